"""Owns the clipboard of an X server, with a text, or a picture and a text at once: who pastes takes what it wants.

The picture stays in its file and is read when somebody asks for it. Source: ICCCM 2.0, chapter 2. Not by copykitten:
it holds pictures only alone and in memory, and a word that comes late about the text before empties the one of now
(seen in one of ten copies where two programs take turns every 15 ms).
"""

from __future__ import annotations

import _thread
import os
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from bulletdrop.log import get_logger
from bulletdrop.tray import x11_wire as x11
from bulletdrop.tray.formats import PICTURES

log = get_logger("clipboard")

TEXTS = ("UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "STRING", "TEXT")
# Larger values go in pieces (ICCCM 2.7.2, INCR). Servers take 256 KiB in one request.
PIECE = 128 * 1024
# Who asked and then stays away gets no more pieces.
PATIENCE_SECONDS = 30.0
CALM_SECONDS = 0.05
# Whoever watches the clipboard asks within this time, on a busy machine too; and what else it asks, soon after.
AT_ONCE_SECONDS, SOON_SECONDS = 0.02, 0.003


class Owner:
    """One text, with or without its picture, on the clipboard until somebody else copies something.

    Made, it is ready and takes nothing yet: so a link that comes has one question to ask of the server, not five.

    Args:
        environ: which X server.

    Raises: OSError (also ConnectionError) when there is no server.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._text = b""
        self._file: BinaryIO | None = None
        self._kind = -1
        self._time = 0
        self._sending: dict[tuple[int, int], int] = {}  # window and property: from where the next piece is
        self._wire = x11.Wire(environ)
        try:
            names = ("CLIPBOARD", "TARGETS", "TIMESTAMP", "MULTIPLE", "INCR", "ATOM_PAIR", *PICTURES.values(), *TEXTS)
            self._window = self._wire.make_window()
            self._atoms = self._wire.atoms(names)
        except BaseException:
            self.close()
            raise
        self._texts = {self._atoms[name] for name in TEXTS}

    def take(
        self, text: str, picture: tuple[Path, str] | None = None, then: Callable[[], object] | None = None
    ) -> bool:
        """Take the clipboard, once, and serve it in a thread of its own. It is closed when it ends, or was not taken.

        Args:
            text: the link.
            picture: the file and its type, one of `PICTURES`; kept open, so that it may be moved or deleted meanwhile.
            then: called in that thread once nobody has asked for anything for a moment, or when it ends before that.

        Returns: whether the server says that it is ours. Raises OSError when there is no file, or no server any more.
        """
        is_ours = False
        try:
            self._text = text.encode()
            if picture is not None:
                self._file = picture[0].open("rb")
                self._kind = self._atoms[picture[1]]
            # A change of our own property brings an event with the server's time, which who pastes may ask for.
            self._wire.set_property(self._window, self._atoms["TIMESTAMP"], x11.INTEGER, b"", width=32)
            is_ours = self._wire.own(self._window, self._atoms["CLIPBOARD"])
        finally:
            if not is_ours:
                self.close()
        if is_ours:
            goes_on = self._serve_at_once()
            # Not threading.Thread: its start waits until the other thread has run.
            _thread.start_new_thread(self._serve, (then, goes_on))
        return is_ours

    def _serve_at_once(self) -> bool:
        """Answer clipboard managers, which ask as soon as there is something new: on a busy machine a thread for that
        would come ten times as late. Returns False when somebody else has the clipboard already."""
        until = time.monotonic() + AT_ONCE_SECONDS
        try:
            while (left := until - time.monotonic()) > 0 and (event := self._wire.event(left)) is not None:
                if not self._handle(event):
                    return False
                if event.number == x11.SELECTION_REQUEST:
                    until = min(until, time.monotonic() + SOON_SECONDS)
        except OSError:
            return False
        return True

    def _serve(self, then: Callable[[], object] | None, goes_on: bool) -> None:
        try:
            while goes_on:
                event = self._wire.event(CALM_SECONDS if then else PATIENCE_SECONDS if self._sending else None)
                if event is not None:
                    goes_on = self._handle(event)
                elif then is not None:
                    then()
                    then = None
                else:
                    self._sending.clear()
        except OSError:
            log.debug("The X server has gone.")
        finally:
            self.close()
        if then is not None:
            then()

    def _handle(self, event: x11.Event) -> bool:
        """Answer one event; False when the clipboard is somebody else's."""
        if event.number == x11.SELECTION_REQUEST:
            self._answer(event)
        elif event.number == x11.PROPERTY_NOTIFY and event.deleted:
            self._next_piece(event.window_and_atom)
        elif event.number == x11.PROPERTY_NOTIFY and event.window_and_atom[0] == self._window:
            self._time = event.time
        return event.number != x11.SELECTION_CLEAR

    def close(self) -> None:
        """Leave the server; what was ours is nobody's."""
        self._wire.close()
        if self._file is not None:
            self._file.close()

    def _answer(self, event: x11.Event) -> None:
        moment, requestor, selection, target, place = event.request
        place = place or target  # ICCCM 2.2: old clients name none
        if target == self._atoms["MULTIPLE"]:
            self._give_many(requestor, place)
        elif not self._give(requestor, target, place):
            place = 0
        self._wire.answer(requestor, selection, target, place, moment)

    def _give(self, requestor: int, target: int, place: int) -> bool:
        wire, atoms = self._wire, self._atoms
        if target == atoms["TARGETS"]:
            always = [atoms[name] for name in ("TARGETS", "TIMESTAMP", "MULTIPLE")]
            offered = [*always, *([self._kind] if self._file else []), *sorted(self._texts)]
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
        assert self._file is not None
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
        assert self._file is not None
        self._file.seek(at)
        return self._file.read(PIECE)
