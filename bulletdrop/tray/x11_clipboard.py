"""Owns the clipboard of an X server with a picture and a text at once: who pastes takes what it wants of both.

The picture stays in its file and is read when somebody asks for it. Source: ICCCM 2.0, chapter 2.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from bulletdrop.log import get_logger
from bulletdrop.tray import x11_wire as x11

log = get_logger("clipboard")

TEXTS = ("UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "STRING", "TEXT")
# Larger values go in pieces (ICCCM 2.7.2, INCR). Servers take 256 KiB in one request.
PIECE = 128 * 1024
# Who asked and then stays away gets no more pieces.
PATIENCE_SECONDS = 30.0


class Owner:
    """One picture with one text on the clipboard, until somebody else copies something.

    Args:
        text: the link.
        picture: the file; kept open, so that it may be moved or deleted meanwhile.
        kind: its type, such as "image/png".
        environ: which X server.

    Raises: OSError (also ConnectionError) when there is no server or no file.
    """

    def __init__(self, text: str, picture: Path, kind: str, environ: Mapping[str, str] = os.environ) -> None:
        self._text = text.encode()
        self._file: BinaryIO = picture.open("rb")
        self._sending: dict[tuple[int, int], int] = {}  # window and property: from where the next piece is
        try:
            self._wire = x11.Wire(environ)
            names = ("CLIPBOARD", "TARGETS", "TIMESTAMP", "MULTIPLE", "INCR", "ATOM_PAIR", kind, *TEXTS)
            self._atoms = {name: self._wire.atom(name) for name in names}
            self._kind = self._atoms[kind]
            self._texts = {self._atoms[name] for name in TEXTS}
            self._window = self._wire.make_window()
        except BaseException:
            self._file.close()
            raise

    def take(self) -> bool:
        """Take the clipboard and serve it in a thread of its own. Returns whether the server says that it is ours."""
        self._time = self._server_time()
        if not self._wire.own(self._window, self._atoms["CLIPBOARD"], self._time):
            self._close()
            return False
        threading.Thread(target=self._serve, name="clipboard-owner", daemon=True).start()
        return True

    def _server_time(self) -> int:
        # ICCCM 2.1: not CurrentTime, but that of an event; a change of our own property brings one.
        self._wire.set_property(self._window, self._atoms["TIMESTAMP"], x11.INTEGER, b"", width=32)
        event = self._wire.event(x11.LIMIT_SECONDS)
        return event.time if event is not None and event.number == x11.PROPERTY_NOTIFY else 0

    def _serve(self) -> None:
        try:
            while True:
                event = self._wire.event(PATIENCE_SECONDS if self._sending else None)
                if event is None:
                    self._sending.clear()
                elif event.number == x11.SELECTION_CLEAR:
                    break
                elif event.number == x11.SELECTION_REQUEST:
                    self._answer(event)
                elif event.number == x11.PROPERTY_NOTIFY and event.deleted:
                    self._next_piece(event.window_and_atom)
        except OSError:
            log.debug("The X server has gone.")
        finally:
            self._close()

    def _close(self) -> None:
        self._wire.close()
        with contextlib.suppress(OSError):
            self._file.close()

    def _answer(self, event: x11.Event) -> None:
        time, requestor, selection, target, place = event.request
        place = place or target  # ICCCM 2.2: old clients name none
        if target == self._atoms["MULTIPLE"]:
            self._give_many(requestor, place)
        elif not self._give(requestor, target, place):
            place = 0
        self._wire.answer(requestor, selection, target, place, time)

    def _give(self, requestor: int, target: int, place: int) -> bool:
        wire, atoms = self._wire, self._atoms
        if target == atoms["TARGETS"]:
            offered = [atoms["TARGETS"], atoms["TIMESTAMP"], atoms["MULTIPLE"], self._kind, *sorted(self._texts)]
            wire.set_property(requestor, place, x11.ATOM, struct.pack(f"<{len(offered)}I", *offered), width=32)
        elif target == atoms["TIMESTAMP"]:
            wire.set_property(requestor, place, x11.INTEGER, struct.pack("<I", self._time), width=32)
        elif target in self._texts:
            kind = atoms["UTF8_STRING"] if target == atoms["TEXT"] else target
            wire.set_property(requestor, place, kind, self._text)
        elif target == self._kind:
            self._give_picture(requestor, place)
        else:
            return False
        return True

    def _give_many(self, requestor: int, place: int) -> None:
        raw = self._wire.read_property(requestor, place)
        pairs = list(struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 8 * 8]))
        for at in range(0, len(pairs), 2):
            if not self._give(requestor, pairs[at], pairs[at + 1]):
                pairs[at + 1] = 0
        data = struct.pack(f"<{len(pairs)}I", *pairs)
        self._wire.set_property(requestor, place, self._atoms["ATOM_PAIR"], data, width=32)

    def _give_picture(self, requestor: int, place: int) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size <= PIECE:
            self._wire.set_property(requestor, place, self._kind, self._piece(0))
            return
        self._wire.hear_properties(requestor)
        self._sending[requestor, place] = 0
        self._wire.set_property(requestor, place, self._atoms["INCR"], struct.pack("<I", size), width=32)

    def _next_piece(self, where: tuple[int, int]) -> None:
        at = self._sending.get(where)
        if at is None:
            return
        piece = self._piece(at)
        self._wire.set_property(*where, self._kind, piece)
        if piece:
            self._sending[where] = at + len(piece)
        else:
            del self._sending[where]  # an empty piece is the end

    def _piece(self, at: int) -> bytes:
        self._file.seek(at)
        return self._file.read(PIECE)
