"""Lets the person choose files in the system's own dialog: the desktop's portal, else a small program for it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.paths import child_environment
from bulletdrop.tray.words import t

log = get_logger("chooser")

PORTAL = "org.freedesktop.portal.Desktop"
# A dialog that has been open for so long has been forgotten.
PATIENCE_SECONDS = 1800.0
ANSWER_SECONDS = 5.0
CHOSEN = 0  # the portal's Response: 0 chosen, 1 cancelled, 2 ended otherwise


class NoChooser(BulletDropError):
    """This system has no dialog that can be opened from here."""

    code = "no_chooser"
    title = "No dialog for files"


def choose_files(
    *,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    run: Callable[[Sequence[str]], str] | None = None,
) -> list[Path]:
    """Ask the person for files. Blocks until they have chosen.

    Args:
        environ: the environment; PATH says which programs there are.
        platform: as `sys.platform`.
        run: runs a dialog program and returns what it prints; "" when it was cancelled.

    Returns: what was chosen; nothing when the dialog was closed.
    Raises: NoChooser when there is no dialog here.
    """
    ask = run or _run
    if platform == "linux":
        return _on_linux(environ, ask)
    found = ask(_MACOS if platform == "darwin" else _WINDOWS)
    return [Path(line) for line in found.splitlines() if line]


def _on_linux(environ: Mapping[str, str], ask: Callable[[Sequence[str]], str]) -> list[Path]:
    if environ.get("DBUS_SESSION_BUS_ADDRESS") or environ.get("XDG_RUNTIME_DIR"):
        try:
            return asyncio.run(_by_portal(environ))
        except Exception as error:
            log.info("The desktop's portal shows no dialog: %s", error)
    title = t("Upload a file")
    programs = {
        "zenity": ["--file-selection", "--multiple", "--separator=\n", f"--title={title}"],
        "kdialog": ["--title", title, "--getopenfilename", str(Path.home()), "--multiple", "--separate-output"],
    }
    for name, options in programs.items():
        if shutil.which(name, path=environ.get("PATH")):
            return [Path(line) for line in ask([name, *options]).splitlines() if line]
    raise NoChooser("This desktop offers no dialog for files. Drop the file on the gallery's page instead.")


# In one line each for the system's own script hosts; names come one to a line.
_MACOS = (
    "osascript",
    *("-e", "set found to choose file with multiple selections allowed"),
    *("-e", 'set lines to ""'),
    *("-e", "repeat with one in found"),
    *("-e", "set lines to lines & POSIX path of one & linefeed"),
    *("-e", "end repeat"),
    *("-e", "lines"),
)
_WINDOWS = (
    *("powershell", "-NoProfile", "-STA", "-Command"),
    "[Console]::OutputEncoding = [Text.Encoding]::UTF8; Add-Type -AssemblyName System.Windows.Forms; "
    "$dialog = New-Object System.Windows.Forms.OpenFileDialog; $dialog.Multiselect = $true; "
    "if ($dialog.ShowDialog() -eq 'OK') { $dialog.FileNames }",
)


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=child_environment(),
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


async def _by_portal(environ: Mapping[str, str]) -> list[Path]:
    """Ask by org.freedesktop.portal.FileChooser (XDG Desktop Portal, "File Chooser" and "Request")."""
    from dbus_fast import BusType, Message, MessageType, Variant
    from dbus_fast.aio import MessageBus

    address = environ.get("DBUS_SESSION_BUS_ADDRESS")
    bus = await asyncio.wait_for(MessageBus(bus_address=address, bus_type=BusType.SESSION).connect(), ANSWER_SECONDS)
    answer: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
    handles: set[str] = set()

    def heard(message: Message) -> None:
        is_answer = message.message_type is MessageType.SIGNAL and message.member == "Response"
        if is_answer and message.path in handles and not answer.done():
            answer.set_result(message.body)

    async def ask(to: str, path: str, interface: str, member: str, signature: str, body: list[Any]) -> list[Any]:
        call = Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=body)
        reply = await asyncio.wait_for(bus.call(call), ANSWER_SECONDS)
        if reply is None or reply.message_type is not MessageType.METHOD_RETURN:
            raise ConnectionError(getattr(reply, "error_name", None) or "no answer")
        return list(reply.body)

    try:
        bus.add_message_handler(heard)
        token = f"bulletdrop{os.getpid()}_{os.urandom(4).hex()}"
        sender = str(bus.unique_name).removeprefix(":").replace(".", "_")
        # The answer may come before the call returns, so its address is known beforehand.
        handles.add(f"/org/freedesktop/portal/desktop/request/{sender}/{token}")
        rule = "type='signal',interface='org.freedesktop.portal.Request',member='Response'"
        await ask("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch", "s", [rule])
        options = {"handle_token": Variant("s", token), "multiple": Variant("b", True)}
        handle = await ask(
            PORTAL,
            "/org/freedesktop/portal/desktop",
            "org.freedesktop.portal.FileChooser",
            "OpenFile",
            "ssa{sv}",
            ["", t("Upload a file"), options],
        )
        handles.add(str(handle[0]))  # portals before 0.9 chose it themselves
        code, results = await asyncio.wait_for(answer, PATIENCE_SECONDS)
    finally:
        bus.disconnect()
    uris = results["uris"].value if code == CHOSEN and "uris" in results else []
    return [path for uri in uris if (path := _path(uri)) is not None]


def _path(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
