"""Ciphers: a secret's bytes as AES-256-GCM in frames, so that nothing large is held whole, and nothing cut off opens.

The frames follow the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, 2015): the nonce is a random beginning,
the frame's number and whether it is the last. A frame that is missing, moved, repeated or cut off fails to open.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from typing import Any, BinaryIO

from bulletdrop.errors import Unavailable

KEY_BYTES = 32
FRAME = 64 * 1024
_TAG = 16
_PREFIX = 7
_VERSION = b"\x01"
_HEAD = len(_VERSION) + _PREFIX
_MOST_FRAMES = 2**32 - 1


def new_key() -> bytes:
    """A data key."""
    return secrets.token_bytes(KEY_BYTES)


class Sealer:
    """Encrypts one part of a secret as its bytes come.

    Args:
        key: the secret's data key.
        about: authenticated with each frame: the secret's id.
        place: which part it is; part of the key, so that two parts of one secret cannot change places.
    """

    def __init__(self, key: bytes, *, about: str, place: int) -> None:
        self._cipher, self._about = _cipher(key, place), _about(about, place)
        self._prefix = secrets.token_bytes(_PREFIX)
        self._waiting = bytearray()
        self._count = 0
        self._begun = False

    def update(self, data: bytes) -> bytes:
        """Take more bytes. Returns what is ready of the ciphertext."""
        self._waiting += data
        done = bytearray() if self._begun else bytearray(_VERSION + self._prefix)
        self._begun = True
        # One frame stays back: only at the end is it known which is the last.
        while len(self._waiting) > FRAME:
            done += self._frame(bytes(self._waiting[:FRAME]), last=False)
            del self._waiting[:FRAME]
        return bytes(done)

    def finish(self) -> bytes:
        """The end of the ciphertext."""
        begin = self.update(b"")
        return begin + self._frame(bytes(self._waiting), last=True)

    def _frame(self, data: bytes, *, last: bool) -> bytes:
        nonce = _nonce(self._prefix, self._count, last)
        self._count += 1
        sealed: bytes = self._cipher.encrypt(nonce, data, self._about)
        return sealed


def opened(file: BinaryIO, key: bytes, *, about: str, place: int) -> Iterator[bytes]:
    """The plain bytes of a part, frame by frame. Raises Unavailable at the first that does not open."""
    from cryptography.exceptions import InvalidTag

    cipher, authenticated = _cipher(key, place), _about(about, place)
    head = file.read(_HEAD)
    if len(head) != _HEAD or head[: len(_VERSION)] != _VERSION:
        raise _broken()
    prefix, frame = head[len(_VERSION) :], file.read(FRAME + _TAG)
    for number in range(_MOST_FRAMES):
        following = file.read(FRAME + _TAG)
        try:
            yield cipher.decrypt(_nonce(prefix, number, not following), frame, authenticated)
        except (InvalidTag, ValueError) as error:
            raise _broken() from error
        if not following:
            return
        frame = following
    raise _broken()


def _cipher(key: bytes, place: int) -> Any:
    # Here: an idle server need not load it.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    # HKDF's expand step (RFC 5869) for one block: the data key is uniform already.
    return AESGCM(hmac.new(key, f"part {place}\x01".encode(), hashlib.sha256).digest())


def _about(about: str, place: int) -> bytes:
    return f"bulletdrop secret {about} {place}".encode()


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + (b"\x01" if last else b"\x00")


def _broken() -> Unavailable:
    return Unavailable("This secret cannot be read: its stored bytes are damaged.")
