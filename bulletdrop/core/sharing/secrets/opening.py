"""Opening a secret: one conditional UPDATE decides, and the last opening takes the key away in the same transaction.

The order, which no crash can turn into one opening too many: the ciphertext is read; a transaction counts the view,
takes the wrapped key along, decrypts, and on the last view empties the row's key; it is committed; the bytes are
destroyed and the write-ahead log is emptied; only then is anything answered. Who is killed after the commit has had
the view.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from peewee import fn

from bulletdrop.core.database import transaction
from bulletdrop.core.models import Secret, SecretAccess, SecretPart, Team, User
from bulletdrop.core.people.passwords import password_fits
from bulletdrop.core.sharing import master
from bulletdrop.core.sharing.secrets.burning import checkpoint, remove_parts_quietly
from bulletdrop.core.sharing.secrets.making import MB, MOST_SEALED_TEXT
from bulletdrop.core.sharing.secrets.parts import TEXT, read_sealed, unsealed
from bulletdrop.core.sharing.secrets.passes import File, make_pass
from bulletdrop.core.site import Site
from bulletdrop.errors import Gone, NeedsPassword, NotSignedIn, Unavailable

# The text, with each character escaped at its worst, the names, and what encryption adds.
_MOST_STORED = 7 * MB + MOST_SEALED_TEXT
GONE = "This secret is no longer here: it was opened, its time is over, it was taken back, or there never was one."


@dataclass(frozen=True)
class Opened:
    """What one opening gives.

    Attributes:
        text: what was typed; in the mode `browser`, what the browser has still to decrypt.
        files: the attachments, which `pass_` fetches.
        views_left: how often it opens after this; None for any number.
        pass_: what the attachments are fetched with; empty without any.
    """

    mode: str
    text: str
    files: list[File]
    views_left: int | None
    pass_: str


class WrongPassphrase(NotSignedIn):
    """The passphrase is another one. Nothing was burned."""

    code = "wrong_passphrase"
    title = "This is not the passphrase"


def find_secret(site: Site, secret_id: str) -> Secret:
    """A secret that can be opened now. Raises Gone, in the same words for what was and for what never was."""
    found: Secret | None = None
    if "\0" not in secret_id and len(secret_id) <= 22:
        found = Secret.get_or_none((Secret.id == secret_id) & _alive(site))
    if found is None:
        raise Gone(GONE)
    return found


def check_passphrase(site: Site, secret: Secret, passphrase: str | None, *, address: str, agent: str) -> None:
    """Look whether a passphrase is the secret's; a wrong one is noted in its log and burns nothing.

    Takes 30 ms: for the hashing thread, behind the brake on guessing.
    Args:
        address: where the request came from, shortened by `rows.shortened`.
        agent: the browser, in words.
    Raises: NeedsPassword for none, WrongPassphrase.
    """
    if secret.passphrase_hash is None:
        return
    if not passphrase:
        raise NeedsPassword("This secret asks for a passphrase.", subject=f"secret {secret.id}", field="passphrase")
    if not password_fits(secret.passphrase_hash, passphrase):
        note(site, secret.id, "refused", address=address, agent=agent)
        raise WrongPassphrase("This is not the passphrase. Nothing was opened.", field="passphrase")


def open_secret(site: Site, secret: Secret, *, address: str, agent: str) -> Opened:
    """Open a secret once, and burn it with its last view.

    Args:
        secret: as `find_secret` gave it, its passphrase checked by then: an opening under another one is refused.
        address: where the request came from, shortened.
        agent: the browser, in words.
    Raises: Gone when somebody else had the last view, Unavailable when it cannot be decrypted; it stays then.
    """
    parts = list(SecretPart.select().where(SecretPart.secret == secret.id).order_by(SecretPart.place))
    first = next((part for part in parts if part.place == TEXT), None)
    sealed = read_sealed(site, first.key, most=_MOST_STORED) if first is not None else None
    with transaction(site.db):
        row = _take_view(site, secret)
        if sealed is None:
            raise Unavailable("This secret cannot be read: its stored bytes are gone.", retry_after=5)
        key = master.unwrap(master.master_keys(site), row.key_id, row.wrapped_key, about=secret.id)
        content = json.loads(unsealed(sealed, key, about=secret.id, place=TEXT))
        is_last = row.max_views is not None and row.views >= row.max_views
        if is_last:
            Secret.update(wrapped_key="", burned_at=site.clock.now()).where(Secret.id == secret.id).execute()
        note(site, secret.id, "opened", address=address, agent=agent)
    files = [File(each["part"], each["name"], each["mime"], each["size"]) for each in content["files"]]
    if is_last:
        # Attachments wait for the one who has opened them; see `passes`.
        remove_parts_quietly(site, secret, [part for part in parts if part.place == TEXT])
        checkpoint(site)
    left = None if row.max_views is None else row.max_views - row.views
    pass_ = make_pass(site, secret.id, key, files) if files else ""
    return Opened(secret.mode, content["text"], files, left, pass_)


def note(site: Site, secret_id: str, outcome: str, *, address: str = "", agent: str = "") -> None:
    """Add a line to a secret's log."""
    SecretAccess.create(
        secret=secret_id, at=site.clock.now(), address=address[:64], user_agent=agent[:300], outcome=outcome
    )


def _take_view(site: Site, secret: Secret) -> Secret:
    """Count a view if there is one, and lock the row until the transaction ends. Returns what the row holds now."""
    now = site.clock.now()
    same = (Secret.id == secret.id) & Secret.passphrase_hash.is_null(secret.passphrase_hash is None)
    if secret.passphrase_hash is not None:
        same &= Secret.passphrase_hash == secret.passphrase_hash
    taken = Secret.update(views=Secret.views + 1, last_viewed_at=now).where(same & _alive(site))
    rows = list(taken.returning(Secret.key_id, Secret.wrapped_key, Secret.views, Secret.max_views).execute())
    if not rows:
        raise Gone(GONE)
    row: Secret = rows[0]
    return row


def _alive(site: Site) -> Any:
    """The condition that a secret can be opened: views left, in time, not burned, and nobody is blocked or leaving."""
    left = Secret.max_views.is_null() | (Secret.views < Secret.max_views)
    in_time = Secret.expires_at.is_null() | (Secret.expires_at > site.clock.now())
    owner = (User.id == Secret.owner) & (User.is_active == True) & User.delete_scheduled_for.is_null()  # noqa: E712
    team = (Team.id == Secret.team) & Team.delete_scheduled_for.is_null()
    may = fn.EXISTS(User.select(User.id).where(owner)) & (Secret.team.is_null() | fn.EXISTS(Team.select().where(team)))
    whole = Secret.burned_at.is_null() & (Secret.wrapped_key != "")
    return whole & left & in_time & may
