"""Passes: who has opened a secret fetches its attachments with a sealed pass, which is good for a quarter of an hour.

The pass carries the data key: after the last view nobody else has it, the server included. It is sealed with a key
made of the server's secret key, bound to the secret, and never part of an address.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

from bulletdrop.core.models import Secret, SecretAccess, SecretPart, to_microseconds
from bulletdrop.core.people import usage
from bulletdrop.core.sealed import seal, unseal
from bulletdrop.core.sharing.secrets.burning import LIVES, checkpoint, remove_parts_quietly
from bulletdrop.core.sharing.secrets.ciphers import opened
from bulletdrop.core.site import Site
from bulletdrop.errors import Gone, MissingObject, Unavailable

_PURPOSE = "secret-pass"
_LONGEST = 64 * 1024
FILE_GONE = "The time to fetch this file is over, or it was taken back."


@dataclass(frozen=True)
class File:
    """One attachment: its place among the parts, what it is called, and its length in bytes."""

    part: int
    name: str
    mime: str
    size: int


class Fetch:
    """One attachment on its way out. Close it in any case."""

    def __init__(self, file: File, source: BinaryIO, pieces: Iterator[bytes], owner: str) -> None:
        self.file = file
        self.owner = owner
        self.pieces = pieces
        self._source = source

    def close(self) -> None:
        """Close the stored file."""
        self._source.close()


def make_pass(site: Site, secret_id: str, key: bytes, files: list[File]) -> str:
    """A pass for the attachments of a secret that was opened this moment."""
    until = to_microseconds(site.clock.now() + LIVES)
    held = {"key": base64.b64encode(key).decode(), "until": until, "files": [asdict(file) for file in files]}
    return seal(site, json.dumps(held).encode(), purpose=_PURPOSE, owner=secret_id)


def begin_fetch(site: Site, secret_id: str, place: int, pass_: str) -> Fetch:
    """Open one attachment for whoever has the pass.

    Raises: Gone when the pass is none of ours or over, or the bytes are gone; Unavailable when they do not open.
    """
    key, files = _read_pass(site, secret_id, pass_)
    file = next((each for each in files if each.part == place), None)
    part = SecretPart.get_or_none((SecretPart.secret == secret_id) & (SecretPart.place == place))
    if file is None or part is None:
        raise Gone(FILE_GONE)
    try:
        source = site.storage.open(part.key)
    except MissingObject as error:
        raise Gone(FILE_GONE) from error
    owner = Secret.get_by_id(secret_id)
    return Fetch(file, source, opened(source, key, about=secret_id, place=place), owner.team_id or owner.owner_id)


def fetched(site: Site, secret_id: str, place: int, *, owner: str, size: int) -> None:
    """An attachment has gone out whole: of a burned secret it is destroyed now, unless another pass may still count.

    Args:
        owner: the account whose bytes were served.
    """
    usage.add(site, owner, bytes_served=size)
    secret = Secret.get_or_none(Secret.id == secret_id)
    if secret is None or secret.burned_at is None:
        return
    recent = (SecretAccess.secret == secret_id) & (SecretAccess.outcome == "opened")
    recent &= SecretAccess.at > site.clock.now() - LIVES
    if SecretAccess.select().where(recent).count() > 1:
        return
    parts = SecretPart.select().where((SecretPart.secret == secret_id) & (SecretPart.place == place))
    remove_parts_quietly(site, secret, list(parts))
    checkpoint(site)


def _read_pass(site: Site, secret_id: str, pass_: str) -> tuple[bytes, list[File]]:
    try:
        if len(pass_) > _LONGEST:
            raise ValueError("too long")
        held = json.loads(unseal(site, pass_, purpose=_PURPOSE, owner=secret_id))
    except (Unavailable, ValueError, binascii.Error) as error:
        raise Gone(FILE_GONE) from error
    if held["until"] <= to_microseconds(site.clock.now()):
        raise Gone(FILE_GONE)
    return base64.b64decode(held["key"]), [File(**file) for file in held["files"]]
