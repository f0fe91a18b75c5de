"""The bodies that tools for Imgur and Chevereto send: a form, base64 in a form, or the bytes alone, taken as they come.

Facts: Imgur takes `image` as a file, as base64 or as an address, and bytes alone whatever type they say they are
(Flameshot says it is a form); Chevereto takes `source` likewise, and its key in a field `key`.
"""

from __future__ import annotations

import base64
import binascii
import re
import string
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from bulletdrop.core.names.slugs import check_filename
from bulletdrop.errors import BadBody, Invalid, TooBig
from bulletdrop.web.body import too_big
from bulletdrop.web.partials import Partial, check_free_disk
from bulletdrop.web.parts import Limits, MultipartSink, RawSink, Received

# So many bytes tell base64, an address and the bytes of a file apart.
_LOOK = 256
_MOST_FIELD_BYTES = 16 * 1024
_MOST_FIELDS = 32
_NAME = "upload"
_BASE64 = frozenset((string.ascii_letters + string.digits + "+/-_= \t\r\n").encode())
_BLANK = b"\t\r\n"
_ADDRESS = re.compile(rb"\s*(?:https?|ftp|file)://", re.IGNORECASE)
_DATA = re.compile(rb"\s*data:[\w.+/;=-]{0,120};base64,", re.IGNORECASE)


class Taken(Protocol):
    """A body that is taken in batches, and whose fields can be looked at meanwhile."""

    @property
    def fields(self) -> dict[str, list[str]]:
        """The text fields so far."""
        ...

    def narrow(self, limits: Limits) -> None:
        """From now on these limits hold."""
        ...

    def feed(self, pieces: Sequence[bytes]) -> None: ...

    def finish(self) -> Received: ...

    def abort(self) -> None: ...


class Value:
    """The value of a field that is the file: its bytes, or base64 of them. Written on as it comes.

    Args:
        partial: where the file goes.
        limits: how large it may be.
        spaces: a blank stands for a plus, as in forms whose sender did not encode it.
    """

    def __init__(self, partial: Partial, limits: Limits, *, spaces: bool = False) -> None:
        self.partial = partial
        self.limits = limits
        self._spaces = spaces
        self._first = b""
        self._rest = b""
        self._is_base64: bool | None = None
        self._ended = False

    def add(self, data: bytes) -> None:
        """Take the next bytes. Raises Invalid for an address or for what is neither, TooBig, DiskFull."""
        if self._is_base64 is None:
            self._first += data
            if len(self._first) < _LOOK:
                return
            data = self._begin()
        self._write(data)

    def end(self) -> None:
        """The value has ended. Raises as `add`."""
        if self._is_base64 is None:
            self._write(self._begin())
        if self._is_base64 and self._rest:
            self._decode(self._rest + b"=" * (-len(self._rest) % 4))

    def _begin(self) -> bytes:
        first, self._first = self._first, b""
        if _ADDRESS.match(first):
            # A server that fetches what it is told to can be sent into its owner's network.
            message = "This server fetches nothing from other addresses. Send the file itself, or base64 of it."
            raise Invalid(message, field="image")
        if found := _DATA.match(first):
            first = first[found.end() :]
        self._is_base64 = all(byte in _BASE64 for byte in first[:_LOOK])
        return first

    def _write(self, data: bytes) -> None:
        if not self._is_base64:
            self._keep(data)
            return
        data = data.replace(b" ", b"+" if self._spaces else b"").translate(None, _BLANK)
        data = self._rest + data.replace(b"-", b"+").replace(b"_", b"/")
        whole = len(data) // 4 * 4
        self._rest = data[whole:]
        self._decode(data[:whole])

    def _decode(self, data: bytes) -> None:
        if not data:
            return
        if self._ended:
            raise Invalid("The base64 goes on after its end.", field="image")
        self._ended = data.endswith(b"=")
        try:
            self._keep(base64.b64decode(data, validate=True))
        except binascii.Error as error:
            raise Invalid("This is neither a file nor base64 of one.", field="image") from error

    def _keep(self, data: bytes) -> None:
        if self.partial.size + len(data) > self.limits.file_size:
            raise too_big(self.limits.file_size, whose=self.limits.whose)
        self.partial.write(data)


class ForeignForm(MultipartSink):
    """A multipart form of theirs: one file, in one of their fields, as a part with a name or as base64.

    Args:
        limits, boundary: as of `MultipartSink`.
        files: the fields that the file may come in.
        known: the text fields.
    """

    needs_file = False

    def __init__(self, limits: Limits, boundary: str, *, files: Iterable[str], known: Iterable[str]) -> None:
        super().__init__(limits, boundary, hash_body=False)
        self._files = frozenset(files)
        self.known = frozenset(known)
        self._value: Value | None = None

    @property
    def fields(self) -> dict[str, list[str]]:
        """See `Taken`."""
        return self._fields

    def narrow(self, limits: Limits) -> None:
        """See `Taken`."""
        with self._lock:
            self._limits = limits
            if self._value is not None:
                self._value.limits = limits

    def finish(self) -> Received:
        """See `Sink`. Raises Invalid for no file."""
        return named(super().finish())

    def _begin_part(self, segment: Any) -> None:
        name, filename = segment.name, segment.filename
        if name not in self._files:
            if filename:
                raise Invalid(f"Files are taken from the field “{min(self._files)}”.", field=min(self._files))
            super()._begin_part(segment)
            return
        self._segment, self._file, self._text = segment, None, None
        if self._partials:
            raise TooBig("One request carries one file.", field=name)
        partial = self.make_partial(check_filename(filename) if filename else _NAME)
        self._partials.append(partial)
        if filename:
            self._file = partial
        else:
            self._value = Value(partial, self._limits)

    def _add(self, data: bytes) -> None:
        if self._value is not None:
            self._value.add(data)
        else:
            super()._add(data)

    def _end_part(self) -> None:
        if self._value is not None:
            self._value.end()
            self._finished.append(self._value.partial.finish())
            self._value = None
        super()._end_part()


class ForeignPairs:
    """A form of `name=value&…` (WHATWG URL, 5.1) whose file is base64: decoded as it comes, never whole in memory.

    Args:
        limits: as of `MultipartSink`.
        files: the fields that the file may come in.
        known: the other fields that are kept.
    """

    def __init__(self, limits: Limits, *, files: Iterable[str], known: Iterable[str]) -> None:
        self._limits = limits
        self._files, self._known = frozenset(files), frozenset(known)
        self._lock = threading.Lock()
        self._aborted = False
        self.fields: dict[str, list[str]] = {}
        self._partial: Partial | None = None
        # Of the pair that is being read: its name once that is whole, and what of its value waits.
        self._name: str | None = None
        self._waiting = b""
        self._text = bytearray()
        self._value: Value | None = None
        self._count = 0

    def narrow(self, limits: Limits) -> None:
        """See `Taken`."""
        with self._lock:
            self._limits = limits
            if self._value is not None:
                self._value.limits = limits

    def feed(self, pieces: Sequence[bytes]) -> None:
        """See `Sink`. Raises Invalid, BadBody, TooBig, DiskFull."""
        with self._lock:
            if self._aborted:
                return
            check_free_disk(self._limits.folder, self._limits.min_free_disk, sum(map(len, pieces)))
            for piece in pieces:
                for number, part in enumerate(piece.split(b"&")):
                    if number:
                        self._end_pair()
                    self._add(part)

    def finish(self) -> Received:
        """See `Sink`. Raises Invalid for no file."""
        with self._lock:
            self._end_pair()
            files = (self._partial.finish(),) if self._partial is not None else ()
            return named(Received(files, self.fields))

    def abort(self) -> None:
        """See `Sink`."""
        with self._lock:
            self._aborted = True
            if self._partial is not None:
                self._partial.abort()

    def _add(self, part: bytes) -> None:
        if self._name is None:
            self._waiting += part
            name, found, rest = self._waiting.partition(b"=")
            if not found:
                if len(self._waiting) > _MOST_FIELD_BYTES:
                    raise BadBody("The form cannot be read: it has a name that is too long.")
                return
            self._begin_pair(_plain(name).decode("utf-8", "replace"))
            part = rest
        part = self._waiting + part
        # A letter written as %2B may be cut in two.
        cut = part.rfind(b"%", max(0, len(part) - 2))
        part, self._waiting = (part[:cut], part[cut:]) if cut >= 0 else (part, b"")
        self._take(_plain(part))

    def _begin_pair(self, name: str) -> None:
        self._name, self._waiting = name, b""
        self._count += 1
        if self._count > _MOST_FIELDS:
            raise BadBody("The form has too many fields.")
        if name in self._files:
            if self._partial is not None:
                raise TooBig("One request carries one file.", field=name)
            self._partial = Partial(self._limits.folder, _NAME, hash_only=self._limits.hash_only)
            self._value = Value(self._partial, self._limits, spaces=True)

    def _take(self, data: bytes) -> None:
        if self._value is not None:
            self._value.add(data)
        elif self._name in self._known:
            if len(self._text) + len(data) > _MOST_FIELD_BYTES:
                raise TooBig(f"The field “{self._name}” is too long.", field=self._name)
            self._text += data

    def _end_pair(self) -> None:
        if self._name is not None:
            self._take(_plain(self._waiting))
        if self._value is not None:
            self._value.end()
        elif self._name is not None and self._name in self._known:
            try:
                self.fields.setdefault(self._name, []).append(self._text.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise Invalid(f"The field “{self._name}” is not UTF-8.", field=self._name) from error
        self._name, self._value, self._waiting, self._text = None, None, b"", bytearray()


class ForeignBytes(RawSink):
    """A body that is the file."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits, _NAME)
        self.fields: dict[str, list[str]] = {}

    def narrow(self, limits: Limits) -> None:
        """See `Taken`."""
        with self._lock:
            self._limits = limits


def sniffed(limits: Limits, first: bytes, *, files: Iterable[str], known: Iterable[str]) -> Taken:
    """How to take a body that says it is `name=value` pairs, by its first bytes: some send the file's bytes as that."""
    names = {*files, *known}
    name, found, _ = first[:_LOOK].partition(b"=")
    if found and unquote_to_bytes(name).decode("latin-1") in names:
        return ForeignPairs(limits, files=files, known=known)
    return ForeignBytes(limits)


def named(whole: Received) -> Received:
    """With the name that a field gives to a file without one. Raises Invalid for no file, BadName."""
    if not whole.files:
        raise Invalid("There is no file in this request.", field="image")
    given = (whole.fields.get("name") or [""])[-1].strip()
    if given and whole.files[0].filename == _NAME:
        whole.files = (replace(whole.files[0], filename=check_filename(given)),)
    return whole


def _plain(data: bytes) -> bytes:
    return unquote_to_bytes(data.replace(b"+", b" "))
