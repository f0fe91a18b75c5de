"""Whether everything works: watcher, queue, server, keyring, clipboard; and the doctor."""

from __future__ import annotations

import sys
from datetime import datetime

from bulletdrop import __version__
from bulletdrop.errors import NotFound
from bulletdrop.tray.clipboard import Clipboard
from bulletdrop.tray.control_http import Reply
from bulletdrop.tray.desk import Report
from bulletdrop.tray.page.looking import Look, one
from bulletdrop.tray.page.rendering import render
from bulletdrop.tray.page.saying import Times
from bulletdrop.tray.words import t


def show(look: Look) -> Reply:
    """How everything stands."""
    report = look.steering.report()
    return render(
        "health.html",
        look,
        connection=look.steering.connection(),
        summary=summary(report, look.clock.now()),
        clipboard=clipboard_words(Clipboard().way),
        key_lies_in=place_words(look.steering.connection().token_in),
        checkup=look.services.checkup,
        version=__version__,
        data=look.config.data,
    )


def clipboard_words(way: str, platform: str = sys.platform) -> str:
    """How links are copied here, in words."""
    if way == "copykitten":
        return t("X11, seen to keep what is copied") if platform == "linux" else t("the system's own")
    return {
        "x11": t("X11, seen to keep what is copied"),
        "data-control": t("Wayland, kept by BulletDrop itself"),
        "wl-copy": t("Wayland, by the program wl-copy"),
        "xclip": t("X11, by the program xclip"),
        "none": t("there is none here"),
    }.get(way, way)


def place_words(place: str) -> str:
    """Where the key lies: the vault's own names in words, a path as it is."""
    return {
        "": t("nothing yet"),
        "environment": t("the environment"),
        "configuration": t("the settings"),
        "Secret Service keyring": t("the keyring (Secret Service)"),
        "macOS Keychain": t("the keyring of macOS"),
        "Windows Credential Manager": t("Windows's store of credentials"),
        "the uploader's file": t("the uploader's file"),
    }.get(place, place)


def summary(report: Report, now: datetime) -> str:
    """The whole in one line: "Watcher alive · last event 3 min ago · queue 0"."""
    alive = [folder for folder in report.folders if folder.how != "absent" and not folder.problem]
    events = [folder.last_event_at for folder in report.folders if folder.last_event_at is not None]
    if not report.folders:
        first = t("No folder is watched")
    elif len(alive) == len(report.folders):
        first = t("Watcher alive")
    else:
        first = t("{count} of {all} folders watched", count=len(alive), all=len(report.folders))
    last = t("last event {when}", when=Times(now).near(max(events))) if events else t("no event yet")
    queue = t("queue {count}", count=report.waiting + report.sending)
    return " · ".join((first, last, queue))


def act(look: Look, form: dict[str, list[str]]) -> str:
    """Run the doctor, or look through the folders."""
    name = one(form, "do")
    if name == "checkup":
        look.services.checkup.begin()
        return "health#doctor"
    if name == "rescan":
        look.steering.rescan()
        look.visit.say(t("Looking through the folders."))
        return "health"
    raise NotFound(t("This cannot be done here."))
