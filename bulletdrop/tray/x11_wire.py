"""The few words of the X11 protocol that owning the clipboard takes: connect, intern, own, answer.

Source: X Window System Protocol, version 11 (X Consortium); Xsecurity and Xau for the cookie file. Spoken directly,
since a library for it would cost an idle tray more memory than all of this is long.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

COOKIE = b"MIT-MAGIC-COOKIE-1"
LIMIT_SECONDS = 1.0
PROPERTY_NOTIFY, SELECTION_CLEAR, SELECTION_REQUEST, SELECTION_NOTIFY = 28, 29, 30, 31
PROPERTY_CHANGES = 1 << 22
ATOM, INTEGER, STRING = 4, 19, 31


@dataclass(frozen=True, slots=True)
class Event:
    """An event: its number and its 32 bytes. `deleted` and `time` are those of a PropertyNotify."""

    number: int
    raw: bytes

    @property
    def window_and_atom(self) -> tuple[int, int]:
        """Of a PropertyNotify: which property of which window."""
        return struct.unpack_from("<II", self.raw, 4)

    @property
    def time(self) -> int:
        """Of a PropertyNotify: the server's time."""
        return int(struct.unpack_from("<I", self.raw, 12)[0])

    @property
    def deleted(self) -> bool:
        """Of a PropertyNotify: whether the property has gone."""
        return self.raw[16] == 1

    @property
    def request(self) -> tuple[int, int, int, int, int]:
        """Of a SelectionRequest: time, requestor, selection, target, property."""
        time, _owner, requestor, selection, target, place = struct.unpack_from("<6I", self.raw, 4)
        return time, requestor, selection, target, place


class Wire:
    """One connection to an X server.

    Args:
        environ: DISPLAY and XAUTHORITY.

    Raises: OSError, ConnectionError when there is no server, or it refuses.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        host, number = _display(environ.get("DISPLAY", ""))
        self.sock = _connect(host, number)
        try:
            self.sock.settimeout(LIMIT_SECONDS)
            self._waiting: list[Event] = []
            self._out = b""
            self._set_up(_cookie(environ, number))
        except BaseException:
            self.sock.close()
            raise

    def close(self) -> None:
        """Leave the server; what was owned is owned by nobody."""
        self.sock.close()

    def atoms(self, names: Sequence[str]) -> dict[str, int]:
        """The numbers of names; asked for at once, since each answer takes its way."""
        for name in names:
            raw = name.encode()
            self.send(16, 0, struct.pack("<HH", len(raw), 0) + _padded(raw))
        return {name: int(struct.unpack_from("<I", self._reply(), 8)[0]) for name in names}

    def make_window(self) -> int:
        """A window that nobody sees, which hears of changes of its properties."""
        window = self._id_base
        # InputOnly (class 2), one value: the event mask (bit 11).
        body = struct.pack("<IIhhHHHHIII", window, self._root, -10, -10, 1, 1, 0, 2, 0, 1 << 11, PROPERTY_CHANGES)
        self.send(1, 0, body)
        return window

    def hear_properties(self, window: int) -> None:
        """Hear of changes of the properties of somebody else's window."""
        self.send(2, 0, struct.pack("<III", window, 1 << 11, PROPERTY_CHANGES))

    def set_property(self, window: int, place: int, kind: int, data: bytes, *, width: int = 8) -> None:
        """Set a property: `width` bits in each of its values."""
        head = struct.pack("<IIIBxxxI", window, place, kind, width, len(data) * 8 // width)
        self.send(18, 0, head + _padded(data))

    def read_property(self, window: int, place: int) -> bytes:
        """A property's bytes, the first 4 KiB of them."""
        self.send(20, 0, struct.pack("<IIIII", window, place, 0, 0, 1024))
        reply = self._reply()
        width, count = reply[1], struct.unpack_from("<I", reply, 16)[0]
        return reply[32 : 32 + count * width // 8]

    def own(self, window: int, selection: int) -> bool:
        """Own a selection from now on. Returns whether the server says so afterwards."""
        self.send(22, 0, struct.pack("<III", window, selection, 0))
        self.send(23, 0, struct.pack("<I", selection))
        return bool(struct.unpack_from("<I", self._reply(), 8)[0] == window)

    def answer(self, requestor: int, selection: int, target: int, place: int, time: int) -> None:
        """Tell who asked that it is there (SelectionNotify); `place` 0 means that it is not."""
        event = struct.pack("<BxHIIIII8x", SELECTION_NOTIFY, 0, time, requestor, selection, target, place)
        self.send(25, 0, struct.pack("<II", requestor, 0) + event)

    def send(self, opcode: int, detail: int, body: bytes) -> None:
        """Send one request, together with those that follow before an answer is waited for."""
        self._out += struct.pack("<BBH", opcode, detail, 1 + len(body) // 4) + body

    def _flush(self) -> None:
        out, self._out = self._out, b""
        if out:
            self.sock.sendall(out)

    def event(self, seconds: float | None) -> Event | None:
        """The next event; None when there is none in time. `seconds` None waits. Raises OSError at the end."""
        self._flush()
        if self._waiting:
            return self._waiting.pop(0)
        self.sock.settimeout(seconds)
        try:
            while True:
                raw = self._read(32)
                if raw[0] > 1:  # 0 is an error (a window that has gone), 1 a reply that nobody waits for
                    return Event(raw[0] & 0x7F, raw)
                if raw[0] == 1:
                    self._read(4 * struct.unpack_from("<I", raw, 4)[0])
        except TimeoutError:
            return None
        finally:
            self.sock.settimeout(LIMIT_SECONDS)

    def _reply(self) -> bytes:
        self._flush()
        while True:
            raw = self._read(32)
            if raw[0] == 1:
                return raw + self._read(4 * struct.unpack_from("<I", raw, 4)[0])
            if raw[0] == 0:
                raise ConnectionError(f"the X server refused a request (error {raw[1]})")
            self._waiting.append(Event(raw[0] & 0x7F, raw))

    def _set_up(self, cookie: bytes) -> None:
        name = COOKIE if cookie else b""
        head = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(cookie))
        self.sock.sendall(head + _padded(name) + _padded(cookie))
        status, _, _, _, length = struct.unpack("<BBHHH", self._read(8))
        rest = self._read(4 * length)
        if status != 1:
            raise ConnectionError("the X server let us not in")
        self._id_base = int(struct.unpack_from("<I", rest, 4)[0]) | 1
        vendor, formats = struct.unpack_from("<H", rest, 16)[0], rest[21]
        self.largest = 4 * int(struct.unpack_from("<H", rest, 18)[0])
        self._root = int(struct.unpack_from("<I", rest, 32 + (vendor + 3) // 4 * 4 + 8 * formats)[0])

    def _read(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self.sock.recv(count - len(found))
            if not piece:
                raise ConnectionError("the X server has gone")
            found += piece
        return found


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _display(name: str) -> tuple[str, int]:
    host, colon, rest = name.rpartition(":")
    number = rest.partition(".")[0]
    if not colon or not number.isdigit():
        raise ConnectionError("there is no X server here")
    return host.removesuffix("/unix").removeprefix("unix"), int(number)


def _connect(host: str, number: int) -> socket.socket:
    if host:
        return socket.create_connection((host, 6000 + number), LIMIT_SECONDS)
    path = f"/tmp/.X11-unix/X{number}"
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(LIMIT_SECONDS)
    try:
        try:
            sock.connect(path)
        except OSError:
            sock.connect(f"\0{path}")  # Linux: the same in the abstract namespace
    except BaseException:
        sock.close()
        raise
    return sock


def _cookie(environ: Mapping[str, str], number: int) -> bytes:
    """The cookie for this display, or nothing: then the server decides by who we are."""
    file = Path(environ.get("XAUTHORITY") or Path(environ.get("HOME", "")) / ".Xauthority")
    try:
        entries = list(_entries(file.read_bytes()))
    except (OSError, struct.error):
        return b""
    node = os.uname().nodename.encode()
    fitting = [
        (address == node, data)
        for address, screen, name, data in entries
        if name == COOKIE and screen in (b"", b"%d" % number)
    ]
    return max(fitting, default=(False, b""), key=lambda one: one[0])[1]


def _entries(raw: bytes) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    at = 0
    while at < len(raw):
        at += 2  # the address family: the address itself tells enough
        parts = []
        for _ in range(4):
            (length,) = struct.unpack_from(">H", raw, at)
            parts.append(raw[at + 2 : at + 2 + length])
            at += 2 + length
        address, screen, name, data = parts
        yield address, screen, name, data
