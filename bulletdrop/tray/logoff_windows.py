"""Windows's words for the end of the session, heard by a hidden window in a thread of its own.

A top-level window and not a message-only one, which gets no broadcasts (Microsoft, "Message-Only Windows").
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import Any

from bulletdrop.tray.logoff import END_SECONDS, Ending

# WinUser.h
WM_DESTROY = 0x0002
WM_CLOSE = 0x0010
WM_QUERYENDSESSION = 0x0011
WM_ENDSESSION = 0x0016
WM_POWERBROADCAST = 0x0218
PBT_APMRESUMEAUTOMATIC = 0x0012
WAIT_SECONDS = 2.0


def answer(ending: Ending, message: int, wparam: int) -> int | None:
    """What to answer to a window message, after doing what it asks for; None: Windows's own answer will do.

    WM_QUERYENDSESSION is a question ("may the session end?") and another program may still say no: nothing is ended
    yet. WM_ENDSESSION with a true wparam is the fact, and the process may be gone once it is answered: so everything
    happens before that.
    """
    if message == WM_QUERYENDSESSION:
        return 1
    if message == WM_ENDSESSION:
        if wparam:
            ending.now("Windows signs the person out or shuts down")
            ending.done.wait(END_SECONDS)
        return 0
    if message == WM_POWERBROADCAST:
        if wparam == PBT_APMRESUMEAUTOMATIC:
            ending.woke()
        return 1
    return None


class EndSessionWindow:
    """The hidden window."""

    def __init__(self, ending: Ending) -> None:
        self._ending = ending
        self._ready = threading.Event()
        self._handle: int | None = None
        self._thread = threading.Thread(target=self._run, name="end-of-session", daemon=True)

    def start(self) -> EndSessionWindow:
        """Open the window and serve it."""
        self._thread.start()
        self._ready.wait(WAIT_SECONDS)
        return self

    def close(self) -> None:
        """Close the window, unless this is its own thread, which is answering the end of the session."""
        handle, self._handle = self._handle, None
        if handle is not None and sys.platform == "win32":
            import ctypes

            ctypes.windll.user32.PostMessageW(handle, WM_CLOSE, 0, 0)
        if self._thread is not threading.current_thread() and not self._ending.done.is_set():
            self._thread.join(WAIT_SECONDS)

    def _run(self) -> None:
        if sys.platform == "win32":
            import ctypes
            from ctypes import wintypes

            user32: Any = ctypes.WinDLL("user32", use_last_error=True)
            kernel32: Any = ctypes.WinDLL("kernel32", use_last_error=True)
            result = ctypes.c_ssize_t
            procedure = ctypes.WINFUNCTYPE(result, wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)
            user32.DefWindowProcW.argtypes = [wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM]
            user32.DefWindowProcW.restype = result
            user32.CreateWindowExW.restype = wintypes.HWND
            kernel32.GetModuleHandleW.restype = wintypes.HMODULE

            def hear(handle: int, message: int, wparam: int, lparam: int) -> int:
                own = None
                with contextlib.suppress(Exception):
                    own = answer(self._ending, message, wparam)
                if message == WM_DESTROY:
                    user32.PostQuitMessage(0)
                return int(user32.DefWindowProcW(handle, message, wparam, lparam)) if own is None else own

            class WindowClass(ctypes.Structure):
                _fields_ = [
                    ("style", wintypes.UINT),
                    ("lpfnWndProc", procedure),
                    ("cbClsExtra", ctypes.c_int),
                    ("cbWndExtra", ctypes.c_int),
                    ("hInstance", wintypes.HMODULE),
                    ("hIcon", wintypes.HANDLE),
                    ("hCursor", wintypes.HANDLE),
                    ("hbrBackground", wintypes.HANDLE),
                    ("lpszMenuName", wintypes.LPCWSTR),
                    ("lpszClassName", wintypes.LPCWSTR),
                ]

            kept = procedure(hear)  # must live as long as the window
            module = kernel32.GetModuleHandleW(None)
            name = "BulletDropEndOfSession"
            described = WindowClass(lpfnWndProc=kept, hInstance=module, lpszClassName=name)
            user32.RegisterClassW(ctypes.byref(described))
            self._handle = user32.CreateWindowExW(
                0, name, "BulletDrop", 0, 0, 0, 0, 0, None, None, wintypes.HMODULE(module), None
            )
            self._ready.set()
            message = wintypes.MSG()
            while self._handle and user32.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
                user32.TranslateMessage(ctypes.byref(message))
                user32.DispatchMessageW(ctypes.byref(message))
        self._ready.set()
