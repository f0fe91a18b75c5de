"""Owns the clipboard of a Wayland compositor that lets programs without a window do so: picture and text at once.

Speaks `ext_data_control_v1`, or the `zwlr_data_control_unstable_v1` that it came from: KDE, sway, Hyprland, COSMIC and
others have one of them; GNOME has none. Source: wayland.xml, ext-data-control-v1.xml (wayland-protocols 1.39). Spoken
directly: no process is started for a link, and an idle tray holds one socket.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bulletdrop.log import get_logger

log = get_logger("clipboard")

MANAGERS = ("ext_data_control_manager_v1", "zwlr_data_control_manager_v1")
TEXTS = ("text/plain;charset=utf-8", "text/plain", "UTF8_STRING", "STRING", "TEXT")
LIMIT_SECONDS = 1.0
PIECE = 64 * 1024
DISPLAY, REGISTRY = 1, 2


class NoDataControl(OSError):
    """This compositor lets only the window with the keyboard set the clipboard."""


@dataclass(frozen=True, slots=True)
class Event:
    """What the compositor said: to which object, which event of its kind, and the arguments as they came."""

    object: int
    number: int
    body: bytes

    def word(self, at: int) -> int:
        """The unsigned integer at a place."""
        return int(struct.unpack_from("=I", self.body, at)[0])

    def text(self, at: int) -> str:
        """The string at a place."""
        return self.body[at + 4 : at + 4 + self.word(at) - 1].decode("utf-8", "replace")


class Owner:
    """One text, with or without its picture, on the clipboard until somebody else copies something.

    Args:
        text: the link.
        picture: the file and its type; kept open, so that it may be moved or deleted meanwhile.
        environ: WAYLAND_DISPLAY and XDG_RUNTIME_DIR.

    Raises: NoDataControl; OSError when there is no compositor or no file.
    """

    def __init__(
        self, text: str, picture: tuple[Path, str] | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._text = text.encode()
        self._kind = picture[1] if picture else ""
        self._file: BinaryIO | None = picture[0].open("rb") if picture else None
        # Offered beside the others, so that what the compositor says is there can be told to be ours.
        self._mark = f"application/x-bulletdrop-{secrets.token_hex(8)}"
        self._in = b""
        self._fds: deque[int] = deque()
        self._last_id = REGISTRY
        self._offered: dict[int, set[str]] = {}
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._sock.settimeout(LIMIT_SECONDS)
            self._sock.connect(_address(environ))
            self._bind()
        except BaseException:
            self.close()
            raise

    def take(self) -> bool:
        """Take the clipboard and serve it in a thread of its own. Returns whether the compositor says it is ours."""
        self._source = self._new()
        self._send(self._manager, 0, struct.pack("=I", self._source))
        kinds = [self._mark, *([self._kind] if self._kind else []), *TEXTS]
        for kind in kinds:
            self._send(self._source, 0, _string(kind))
        self._send(self._device, 0, struct.pack("=I", self._source))
        is_ours = False
        try:
            self._wait_for_round(lambda: self._is_ours)
            is_ours = self._is_ours
        finally:
            if is_ours:
                threading.Thread(target=self._serve, name="clipboard-owner", daemon=True).start()
            else:
                self.close()
        return is_ours

    def _bind(self) -> None:
        self._seat = self._manager = self._source = self._device = 0
        self._is_ours = False
        self._globals: dict[str, int] = {}
        self._send(DISPLAY, 1, struct.pack("=I", REGISTRY))
        self._wait_for_round()
        manager = next((name for name in MANAGERS if name in self._globals), None)
        if manager is None or "wl_seat" not in self._globals:
            raise NoDataControl("the compositor lets only the window in use set the clipboard")
        self._seat, self._manager = self._bound("wl_seat"), self._bound(manager)
        self._device = self._new()
        self._send(self._manager, 1, struct.pack("=II", self._device, self._seat))

    def _bound(self, interface: str) -> int:
        made = self._new()
        body = struct.pack("=I", self._globals[interface]) + _string(interface) + struct.pack("=II", 1, made)
        self._send(REGISTRY, 0, body)
        return made

    def _new(self) -> int:
        self._last_id += 1
        return self._last_id

    def _wait_for_round(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Wait until the compositor has answered all that was sent, or until it is enough."""
        done = self._new()
        self._send(DISPLAY, 0, struct.pack("=I", done))
        while not enough():
            event = self._event()
            if event.object == done:
                return
            self._take_in(event)

    def _take_in(self, event: Event) -> None:
        """What is to be known before the clipboard is ours, and whether it is."""
        if event.object == DISPLAY and event.number == 0:
            raise ConnectionError(f"the compositor refused: {event.text(8)}")
        if event.object == REGISTRY and event.number == 0:
            self._globals[event.text(4)] = event.word(0)
        elif event.object == self._device and event.number == 0:
            self._offered[event.word(0)] = set()
        elif event.object in self._offered and event.number == 0:
            self._offered[event.object].add(event.text(0))
        elif event.object == self._device and event.number == 1:
            self._is_ours = self._mark in self._offered.get(event.word(0), ())

    def _serve(self) -> None:
        self._sock.settimeout(None)
        try:
            while True:
                event = self._event()
                if event.object == self._source and event.number == 1:
                    break  # cancelled: somebody else has copied something
                if event.object == self._source and event.number == 0:
                    self._give(event.text(0), self._fds.popleft())
                elif event.object == self._device and event.number == 2:
                    break
        except (OSError, IndexError):
            log.debug("The compositor has gone.")
        finally:
            self.close()

    def _give(self, kind: str, fd: int) -> None:
        # In a thread of its own: who pastes may read slowly, and somebody else pastes meanwhile.
        copy = os.dup(self._file.fileno()) if self._file is not None and kind == self._kind else -1
        threading.Thread(target=self._write, args=(fd, copy), name="clipboard-paste", daemon=True).start()

    def _write(self, fd: int, file: int) -> None:
        try:
            os.set_blocking(fd, True)
            if file < 0:
                os.write(fd, self._text)
                return
            at = 0
            while piece := os.pread(file, PIECE, at):
                at += os.write(fd, piece)
        except OSError:
            pass  # who asked has closed its end
        finally:
            os.close(fd)
            if file >= 0:
                os.close(file)

    def close(self) -> None:
        """Let go of the compositor; what was ours is nobody's."""
        self._sock.close()
        while self._fds:
            os.close(self._fds.popleft())
        if self._file is not None:
            self._file.close()

    def _send(self, target: int, opcode: int, body: bytes) -> None:
        self._sock.sendall(struct.pack("=II", target, (8 + len(body)) << 16 | opcode) + body)

    def _event(self) -> Event:
        while True:
            if len(self._in) >= 8:
                target, word = struct.unpack_from("=II", self._in)
                size = word >> 16
                if len(self._in) >= size:
                    body, self._in = self._in[8:size], self._in[size:]
                    return Event(target, word & 0xFFFF, body)
            data, fds, _flags, _address = socket.recv_fds(self._sock, 4096, 8)
            self._fds.extend(fds)
            if not data:
                raise ConnectionError("the compositor has gone")
            self._in += data


def _string(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return struct.pack("=I", len(raw)) + raw + bytes(-len(raw) % 4)


def _address(environ: Mapping[str, str]) -> str:
    name = environ.get("WAYLAND_DISPLAY", "")
    if not name:
        raise ConnectionError("there is no Wayland compositor here")
    return name if name.startswith("/") else f"{environ.get('XDG_RUNTIME_DIR', '')}/{name}"
