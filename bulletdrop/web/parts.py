"""Turns the bytes of a body into files and fields: a multipart form, or one raw file. Runs in a thread, in batches."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import multipart  # type: ignore[import-untyped]
from multipart import MultipartSegment, PushMultipartParser

from bulletdrop.core.drops.intake import Incoming
from bulletdrop.core.names.slugs import check_filename
from bulletdrop.errors import BadBody, Invalid, TooBig, Truncated
from bulletdrop.web.body import SERVERS, too_big
from bulletdrop.web.disposition import extended_filename
from bulletdrop.web.partials import Partial, check_free_disk

FILE_FIELD = "file"
FIELDS = frozenset(
    {
        "csrf",
        "custom_name",
        "description",
        "domain",
        "expires_at",
        "is_public",
        "max_views",
        "password",
        "paste",
        "slug",
        "slug_style",
        "tags",
        "team",
        "title",
    }
)
_MOST_FIELD_BYTES = 16 * 1024
_MOST_PARTS = 32


@dataclass(frozen=True)
class Limits:
    """What one body may hold, and where its files go while they are unfinished: nowhere with `hash_only`."""

    folder: Path
    file_size: int
    files: int
    min_free_disk: int
    hash_only: bool = False
    whose: str = SERVERS


@dataclass
class Received:
    """A whole body: its files in order, its text fields, and the SHA-256 of the body where that was asked for."""

    files: tuple[Incoming, ...]
    fields: dict[str, list[str]] = field(default_factory=dict)
    body_sha256: str | None = None
    taken: bool = False

    def take(self) -> tuple[Incoming, ...]:
        """The files, for somebody who from now on sees to it that they do not stay where they are."""
        self.taken = True
        return self.files


class Sink(Protocol):
    """Takes a body in batches."""

    def feed(self, pieces: Sequence[bytes]) -> None:
        """Take the next bytes."""
        ...

    def finish(self) -> Received:
        """The body has ended."""
        ...

    def abort(self) -> None:
        """Remove what is there. Safe to call while `feed` runs in a thread: it waits, and nothing comes after it."""
        ...


class RawSink:
    """A body that is one file, as `curl -T` sends it."""

    def __init__(self, limits: Limits, filename: str) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._aborted = False
        self._partial = Partial(limits.folder, check_filename(filename), hash_only=limits.hash_only)

    def feed(self, pieces: Sequence[bytes]) -> None:
        """See `Sink`. Raises TooBig, DiskFull, Unavailable."""
        with self._lock:
            if self._aborted:
                return
            coming = sum(map(len, pieces))
            if self._partial.size + coming > self._limits.file_size:
                raise too_big(self._limits.file_size, whose=self._limits.whose)
            check_free_disk(self._limits.folder, self._limits.min_free_disk, coming)
            for piece in pieces:
                self._partial.write(piece)

    def finish(self) -> Received:
        """See `Sink`. Raises EmptyFile."""
        with self._lock:
            incoming = self._partial.finish()
            return Received((incoming,), body_sha256=incoming.sha256)

    def abort(self) -> None:
        """See `Sink`."""
        with self._lock:
            self._aborted = True
            self._partial.abort()


class MultipartSink:
    """A form of `multipart/form-data` (RFC 7578), parsed strictly: an end that was not signalled is an error.

    Args:
        limits: see `Limits`.
        boundary: from the Content-Type.
        hash_body: also hash the body as a whole, for Content-Digest.

    Another kind of form is a subclass with other fields, and with another place for its files.
    """

    known = FIELDS
    needs_file = True
    most_field_bytes = _MOST_FIELD_BYTES

    def __init__(self, limits: Limits, boundary: str, *, hash_body: bool) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._aborted = False
        self._body_hash = hashlib.sha256() if hash_body else None
        self._partials: list[Partial] = []
        self._finished: list[Incoming] = []
        self._fields: dict[str, list[str]] = {}
        self._file: Partial | None = None
        self._text: bytearray | None = None
        self._segment: MultipartSegment | None = None
        try:
            self._parser = PushMultipartParser(
                boundary, max_segment_count=limits.files + _MOST_PARTS, strict=True, max_header_size=8192
            )
        except multipart.MultipartError as error:
            raise BadBody("The form's boundary cannot be used.") from error

    def feed(self, pieces: Sequence[bytes]) -> None:
        """See `Sink`. Raises BadBody, BadName, Invalid, EmptyFile, TooBig, DiskFull, Unavailable."""
        with self._lock:
            if self._aborted:
                return
            check_free_disk(self._limits.folder, self._limits.min_free_disk, sum(map(len, pieces)))
            for piece in pieces:
                if self._body_hash is not None:
                    self._body_hash.update(piece)
                self._parse(piece)

    def finish(self) -> Received:
        """See `Sink`. Raises Truncated when the closing boundary is missing, Invalid when there is no file."""
        with self._lock:
            if not self._is_complete():
                raise Truncated("The form ends before its closing boundary. Nothing was kept.")
            if self.needs_file and not self._finished:
                raise Invalid("There is no file in this form. Send it in the field “file”.", field=FILE_FIELD)
            digest = self._body_hash.hexdigest() if self._body_hash else None
            return Received(tuple(self._finished), self._fields, digest)

    def abort(self) -> None:
        """See `Sink`."""
        with self._lock:
            self._aborted = True
            for partial in self._partials:
                partial.abort()

    def make_partial(self, filename: str) -> Partial:
        """Where the file goes that begins now."""
        return Partial(self._limits.folder, filename, hash_only=self._limits.hash_only)

    def _is_complete(self) -> bool:
        # The parser has no public way to say so before it is closed.
        return self._parser._state is multipart._COMPLETE

    def _parse(self, piece: bytes) -> None:
        if self._is_complete():
            self._check_epilogue(piece)
            return
        try:
            for event in self._parser.parse(piece):
                if event is None:
                    self._end_part()
                elif isinstance(event, MultipartSegment):
                    self._begin_part(event)
                else:
                    self._add(bytes(event))
        except multipart.ParserLimitReached as error:
            raise BadBody("The form has too many parts, or parts with too long headers.") from error
        except multipart.MultipartError as error:
            raise BadBody("The form cannot be read: it is not well-formed multipart/form-data.") from error
        if self._is_complete():
            self._check_epilogue(bytes(self._parser._buffer))

    def _check_epilogue(self, rest: bytes) -> None:
        """After the closing boundary only a line end may come; more would be parts that somebody loses silently."""
        if rest.strip(b"\r\n"):
            raise BadBody("The form goes on after its closing boundary.")

    def _begin_part(self, segment: MultipartSegment) -> None:
        self._segment, self._file, self._text = segment, None, None
        header = segment.header("Content-Disposition") or ""
        filename = extended_filename(header) or segment.filename
        if filename is None:
            if segment.name == FILE_FIELD:
                raise Invalid("The field “file” needs a file with a name.", field=FILE_FIELD)
            if segment.name in self.known:
                self._text = bytearray()
            return
        if segment.name != FILE_FIELD:
            # Ignoring it would look like having kept it.
            raise Invalid("Files are taken from the field “file” alone.", field=segment.name)
        if filename == "":
            return  # A browser's form in which no file was chosen.
        if len(self._finished) >= self._limits.files:
            raise TooBig(f"One request carries at most {self._limits.files} files.", field=FILE_FIELD)
        self._file = self.make_partial(check_filename(filename))
        self._partials.append(self._file)

    def _add(self, data: bytes) -> None:
        if self._file is not None:
            if self._file.size + len(data) > self._limits.file_size:
                raise too_big(self._limits.file_size, whose=self._limits.whose)
            self._file.write(data)
        elif self._text is not None:
            if len(self._text) + len(data) > self.most_field_bytes:
                name = self._segment.name if self._segment else None
                raise TooBig(f"The field “{name}” is too long.", field=name)
            self._text += data
        elif self._segment is not None and self._segment.name == FILE_FIELD:
            raise Invalid("The file needs a name.", field=FILE_FIELD)

    def _end_part(self) -> None:
        if self._file is not None:
            self._finished.append(self._file.finish())
        elif self._text is not None and self._segment is not None:
            name = str(self._segment.name)
            try:
                self._fields.setdefault(name, []).append(self._text.decode("utf-8"))
            except UnicodeDecodeError as error:
                raise Invalid(f"The field “{name}” is not UTF-8.", field=name) from error
        self._segment, self._file, self._text = None, None, None


def boundary_of(content_type: str) -> str:
    """The boundary of a multipart form. Raises BadBody when the type is another one or names none."""
    kind, options = multipart.parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise BadBody("Send the file as multipart/form-data, or its bytes alone with PUT /api/v1/uploads/NAME.")
    boundary = options.get("boundary", "")
    if not boundary or len(boundary) > 200 or not boundary.isascii():
        raise BadBody("The form's boundary is missing or cannot be used.")
    return str(boundary)
