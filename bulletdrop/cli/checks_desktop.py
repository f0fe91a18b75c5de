"""The doctor's checks of the desktop's side: folders, watcher, token, keyring, tray, notifications, clipboard."""

from __future__ import annotations

import asyncio
import os
import queue
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bulletdrop.cli.default import has_screen
from bulletdrop.cli.finding import Finding, fail, ok, warn
from bulletdrop.config import Config

if TYPE_CHECKING:
    from bulletdrop.tray.preferences import Server

Check = tuple[str, Callable[[], Finding]]

PLATFORM: str = sys.platform
# How long each part of the desktop may take to answer. Longer than the tray waits for it: what is only busy, as at the
# beginning of a session, is not to be called broken.
EVENT_SECONDS = KEYRING_SECONDS = 20.0
BUS_SECONDS = 10.0


def desktop_checks(config: Config, *, clipboard: bool) -> tuple[Check, ...]:
    """All checks of this half; where there is no screen, only those that make sense without one."""
    checks: tuple[Check, ...] = (
        ("watcher", lambda: watcher(config.data)),
        ("token", lambda: token(config)),
        ("servers", lambda: paired_servers(config)),
    )
    if not has_screen(os.environ):
        return (("desktop", lambda: ok("none here: the server alone is used")), *checks)
    checks = (("screenshots", lambda: folders(config)), *checks, ("keyring", keyring), ("tray", tray))
    return (*checks, ("notifications", notifications), ("clipboard", lambda: clipboard_way(test=clipboard)))


def folders(config: Config) -> Finding:
    """The folders that the tray would watch exist and can be read."""
    from bulletdrop.tray.folders import watched_folders

    found = list(watched_folders(config))
    missing = [str(folder) for folder in found if not folder.is_dir()]
    closed = [str(folder) for folder in found if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK)]
    if closed:
        return fail(f"{', '.join(closed)} may not be read", "give this account the right to read there")
    if missing or not found:
        words = f"{', '.join(missing)} does not exist yet" if missing else "no screenshot folder was found"
        return warn(words, "take a screenshot once, or name the folder with BULLETDROP_WATCH")
    return ok(", ".join(map(str, found)))


def watcher(data: Path) -> Finding:
    """A file that is written is noticed. In a folder of our own, never in the person's."""
    from bulletdrop.clock import SystemClock
    from bulletdrop.tray.watcher import FolderWatch, Hint

    folder = Path(tempfile.mkdtemp(prefix="doctor-", dir=data if data.is_dir() else None))
    hints: queue.SimpleQueue[Hint] = queue.SimpleQueue()
    watch = FolderWatch(folder, hints, SystemClock())
    try:
        watch.check()
        began = time.monotonic()
        marked = folder / "doctor.png"
        marked.write_bytes(b"written by bulletdrop doctor")
        while hints.get(timeout=EVENT_SECONDS).path != marked:
            pass
        took = time.monotonic() - began
        report = watch.report()
        if report.problem:
            return warn(f"by {report.how}: {report.problem}", "screenshots are found a few seconds later")
        return ok(f"by {report.how}, a new file was noticed after {took * 1000:.0f} ms")
    except queue.Empty:
        return fail(f"a new file was not noticed within {EVENT_SECONDS:.0f} s", "use a folder on a local disk")
    finally:
        watch.close()
        shutil.rmtree(folder, ignore_errors=True)


def token(config: Config) -> Finding:
    """Whether this computer is paired, where its key lies, and whether each server elsewhere still takes its own."""
    from bulletdrop.cli.checks_server import has_server
    from bulletdrop.tray.servers import servers_of
    from bulletdrop.tray.vault import VaultLocked, load_token

    try:
        servers = servers_of(config)
        stored = load_token(config.data, servers[0].url if servers else "")
    except VaultLocked as error:
        return fail(error.message, "nothing is lost")
    if stored is None and has_server(config) and not (config.data / "tray").exists():
        return ok("none: a server alone, no tray was ever used here")
    if stored is None:
        if servers:
            return warn(f"this computer is not paired with {servers[0].url}", f"bulletdrop pair {servers[0].url}")
        return warn(
            "this computer is not paired",
            "start “bulletdrop”: it pairs itself with the server on this machine; with one elsewhere: bulletdrop pair",
        )
    if revoked := [one.url for one in servers if _is_refused(config, one)]:
        return fail(f"the key for {', '.join(revoked)} was revoked", f"bulletdrop pair {revoked[0]}")
    if os.sep in stored.where:
        return warn(f"in a plain file, {stored.where}", "only its owner may read it; a keyring would be better")
    return ok(f"from the {stored.where}" if stored.where == "environment" else f"in the {stored.where}")


def _is_refused(config: Config, server: Server) -> bool:
    """Whether a server says that it does not take its key. One that cannot be asked is another check's business."""
    from bulletdrop.errors import BulletDropError, NotSignedIn
    from bulletdrop.tray.servers import PROBE_SECONDS, client_for
    from bulletdrop.tray.vault import load_token

    try:
        stored = load_token(config.data, server.url)
        if stored is None or stored.server not in ("", server.url):
            return False
        client = client_for(server, stored.token, seconds=PROBE_SECONDS)
    except BulletDropError:
        return False
    try:
        client.greet()
    except NotSignedIn:
        return True
    except BulletDropError:
        return False
    finally:
        client.close()
    return False


def paired_servers(config: Config) -> Finding:
    """The servers elsewhere that this computer sends to: there, and the ones that were paired."""
    from bulletdrop.tray.answers import CertificateChanged
    from bulletdrop.tray.servers import answers, servers_of

    listed = servers_of(config)
    away = []
    for one in listed:
        try:
            if not answers(one):
                away.append(one.url)
        except CertificateChanged as error:
            return fail(error.message, f"if that is right: bulletdrop pair {one.url}")
    if not listed:
        return ok("none elsewhere: this machine's own is used")
    if away:
        return warn(f"{', '.join(away)} does not answer", "what is captured waits, or goes to the next one")
    return ok(", then ".join(one.url for one in listed))


def keyring() -> Finding:
    """The keyring keeps a secret: written, read, compared, deleted."""
    from bulletdrop.tray.vault import describe, probe_keyring

    found, problem = probe_keyring(limit=KEYRING_SECONDS)
    if found is None:
        return warn(f"none can be used: {problem}", "the token goes into a file that only its owner may read")
    return ok(f"{describe(found)}: a test secret was kept and deleted")


def tray() -> Finding:
    """Somebody on this desktop shows icons."""
    if PLATFORM != "linux":
        return ok("the system's own")
    try:
        present = asyncio.run(_has_tray_host())
    except Exception as error:
        return warn(f"the session bus does not answer: {error}", "start BulletDrop inside the desktop session")
    if present:
        return ok("a panel on this desktop takes icons")
    gnome = "gnome" in os.environ.get("XDG_CURRENT_DESKTOP", "").lower()
    cure = "install GNOME's extension “AppIndicator support”" if gnome else "add a status tray to your panel"
    return warn("nothing on this desktop shows icons", f"{cure}; the page and the command line do all the same")


async def _has_tray_host() -> bool:
    from dbus_fast import BusType, Message
    from dbus_fast.aio import MessageBus

    bus = await asyncio.wait_for(MessageBus(bus_type=BusType.SESSION).connect(), BUS_SECONDS)
    try:
        question = Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="NameHasOwner",
            signature="s",
            body=["org.kde.StatusNotifierWatcher"],
        )
        reply = await asyncio.wait_for(bus.call(question), BUS_SECONDS)
        return bool(reply is not None and reply.body and reply.body[0] is True)
    finally:
        bus.disconnect()


def notifications() -> Finding:
    """The notification service answers, and can show buttons."""
    from bulletdrop.tray.notify import Notifier

    notifier = Notifier()
    try:
        can = notifier.probe()
    except Exception as error:
        return warn(f"none answers: {error}", "install a notification service; links are copied all the same")
    finally:
        notifier.close()
    return ok("with buttons" if "buttons" in can else "without buttons: the link is in the text")


def clipboard_way(*, test: bool) -> Finding:
    """How links are copied; with `test`, that it works."""
    from bulletdrop.tray.clipboard import Clipboard

    clipboard = Clipboard()
    if clipboard.way == "none":
        return fail("there is no way to copy here", "on Wayland, install wl-clipboard")
    one_shot = Clipboard(detach=True).way
    ways = clipboard.way if one_shot == clipboard.way else f"{clipboard.way} (upload --copy: {one_shot})"
    if not test:
        return ok(f"by {ways}, not tested (--clipboard does, and replaces what is on it)")
    if clipboard.copy("BulletDrop was here"):
        return ok(f"by {ways}, written and read back")
    return fail(
        f"{clipboard.way} did not keep a text", "on Wayland, install wl-clipboard; GNOME may refuse all the same"
    )
