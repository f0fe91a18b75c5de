"""Making a secret: its bytes are stored first, encrypted; its row comes second, with the wrapped key."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from peewee import IntegrityError

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.expiry import check_expiry
from bulletdrop.core.models import Secret, SecretPart
from bulletdrop.core.people import quotas, teams, usage
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.passwords import hash_password
from bulletdrop.core.sharing import master
from bulletdrop.core.sharing.secrets.parts import TEXT, Draft, new_place, shred_quietly
from bulletdrop.core.site import Site
from bulletdrop.core.text import line_of
from bulletdrop.errors import Invalid, TooBig

SERVER, BROWSER = "server", "browser"
MODES = (SERVER, BROWSER)
MB = 1024 * 1024
MOST_TEXT = MB
# What a browser sends is its ciphertext of text and names, in base64.
MOST_SEALED_TEXT = 3 * MB // 2
MOST_FILES = 20
MOST_VIEWS = 1000
_LONGEST_PASSPHRASE = 1024
_LONGEST_NOTE = 200


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What somebody asks for beside the content.

    Attributes:
        max_views: how often it opens; None for any number until it expires.
        team: the id or slug of the team that it is for.
        mode: who encrypted it first: `server` or `browser`.
        passphrase_hash: made by `hash_passphrase`.
    """

    note: str = ""
    max_views: int | None = 1
    expires_at: datetime | None = None
    team: str | None = None
    mode: str = SERVER
    passphrase_hash: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Made:
    """A secret, and whether this request made it or an earlier one with the same idempotency key."""

    secret: Secret
    is_new: bool


def hash_passphrase(site: Site, passphrase: str) -> str:
    """The hash to keep. Takes 30 ms: for the hashing thread. Raises Invalid for one that is too long."""
    if len(passphrase) > _LONGEST_PASSPHRASE:
        raise Invalid(f"A passphrase has at most {_LONGEST_PASSPHRASE} characters.", field="passphrase")
    return hash_password(passphrase)


def check_wishes(site: Site, caller: Caller, wishes: Wishes) -> Wishes:
    """The wishes in the form to keep, the team by its id. Asked before bytes are read, where they are known by then.

    Raises: Invalid with the field; NotFound, Forbidden, Conflict for a team that the caller makes nothing for.
    """
    if wishes.mode not in MODES:
        raise Invalid(f"The mode is one of: {', '.join(MODES)}.", field="mode")
    if wishes.max_views is not None and not 1 <= wishes.max_views <= MOST_VIEWS:
        raise Invalid(f"It can be opened 1 to {MOST_VIEWS:,} times.", field="max_views")
    if wishes.max_views is None and wishes.expires_at is None:
        raise Invalid("A secret ends after a number of openings, at a time, or both.", field="expires_at")
    note = line_of(wishes.note, what="A note", field="note", most=_LONGEST_NOTE)
    team = wishes.team
    if team is not None:
        team = teams.find_team(site, caller.user_id, team).team.id
        teams.check_may_upload(site, caller.user_id, team)
    return replace(wishes, note=note, team=team, expires_at=check_expiry(site, wishes.expires_at))


def earlier(site: Site, caller: Caller, idempotency_key: str | None) -> Secret | None:
    """What an earlier request with the same key has made."""
    if idempotency_key is None:
        return None
    same = (Secret.owner == caller.user_id) & (Secret.idempotency_key == idempotency_key)
    found: Secret | None = Secret.get_or_none(same)
    return found


def make_secret(
    site: Site, caller: Caller, draft: Draft, *, text: str, names: Sequence[str], wishes: Wishes, address: str = ""
) -> Made:
    """Keep a secret whose attachments have come already.

    Args:
        draft: with the text's part reserved (`draft.part()` was called first) and the attachments' parts finished.
        text: as it was typed; in the mode `browser`, what the browser made of text and names.
        names: the attachments' names, in their order; they are kept in the encrypted text alone.
        address: where the request came from.
    Raises: Invalid, TooBig, QuotaFull, DiskFull, Unavailable; what `check_wishes` raises. Nothing is kept then.
    """
    wishes = check_wishes(site, caller, wishes)
    _check_text(text, names, wishes.mode)
    # Asked before any bytes are written: a damaged file of master keys must leave nothing behind.
    master.master_keys(site)
    stored: list[tuple[str, int, int]] = []
    try:
        _seal_text(draft, text, names, wishes.mode)
        for part in draft.parts:
            key = new_place()
            stored.append((key, part.place, part.size))
            site.storage.put(key, part.path, size=part.stored)
        secret = _insert(site, caller, draft, stored, wishes, size=len(text.encode()), address=address)
    except IntegrityError:
        shred_quietly(site, [key for key, _, _ in stored])
        known = earlier(site, caller, wishes.idempotency_key)
        if known is None:
            raise
        return Made(known, is_new=False)
    except BaseException:
        shred_quietly(site, [key for key, _, _ in stored])
        raise
    return Made(secret, is_new=True)


def _check_text(text: str, names: Sequence[str], mode: str) -> None:
    if not text and not names:
        raise Invalid("Type something, or add a file.", field="content")
    most = MOST_TEXT if mode == SERVER else MOST_SEALED_TEXT
    if len(text) > most or len(text.encode("utf-8", "replace")) > most:
        raise TooBig("The text of a secret has at most 1 MB. Add longer ones as files.", field="content")
    if len(names) > MOST_FILES:
        raise TooBig(f"A secret carries at most {MOST_FILES} files.", field="file")


def _seal_text(draft: Draft, text: str, names: Sequence[str], mode: str) -> None:
    """The text's part: what was typed, and what the attachments are called."""
    files = [
        {"part": part.place, "name": name, "mime": _mime(name, mode), "size": part.size}
        for part, name in zip(draft.parts[1:], names, strict=True)
    ]
    first = draft.parts[TEXT]
    first.write(json.dumps({"text": text, "files": files}, ensure_ascii=False).encode())
    first.finish()


def _mime(name: str, mode: str) -> str:
    guessed = mimetypes.guess_type(name)[0] if mode == SERVER else None
    return guessed or "application/octet-stream"


def _insert(
    site: Site,
    caller: Caller,
    draft: Draft,
    stored: Sequence[tuple[str, int, int]],
    wishes: Wishes,
    *,
    size: int,
    address: str,
) -> Secret:
    """Its rows, all or none. Args: `stored`: key, place and plain length of each part; `size`: of the text alone."""
    now = site.clock.now()
    with transaction(site.db):
        quotas.charge_bytes(site, caller.user_id, wishes.team, sum(each[2] for each in stored))
        if wishes.team is not None:
            # With the team's row locked by the charge: the role now is final.
            teams.check_may_upload(site, caller.user_id, wishes.team)
        secret = Secret.create(
            id=draft.id,
            owner=caller.user_id,
            team=wishes.team,
            mode=wishes.mode,
            note=wishes.note,
            passphrase_hash=wishes.passphrase_hash,
            max_views=wishes.max_views,
            size=size + sum(each[2] for each in stored[1:]),
            file_count=len(stored) - 1,
            expires_at=wishes.expires_at,
            idempotency_key=wishes.idempotency_key,
            created_at=now,
        )
        # Wrapped after the insert: a rotation that ends now waits for this row, or has put the new key into the file.
        key_id, wrapped = master.wrap(master.master_keys(site), draft.key, about=draft.id)
        Secret.update(key_id=key_id, wrapped_key=wrapped).where(Secret.id == draft.id).execute()
        for key, place, length in stored:
            SecretPart.create(secret=draft.id, place=place, key=key, size=length)
        usage.add(site, wishes.team or caller.user_id, secrets=1)
        record(site, "secret.add", actor=caller.user_id, subject=draft.id, address=address)
    secret.key_id, secret.wrapped_key = key_id, wrapped
    return secret
