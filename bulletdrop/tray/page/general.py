"""What holds for everything: when and how links are copied, notifications, language, start at login, pauses."""

from __future__ import annotations

from bulletdrop import __version__
from bulletdrop.errors import BulletDropError
from bulletdrop.log import get_logger
from bulletdrop.tray import autostart
from bulletdrop.tray.control_http import Reply
from bulletdrop.tray.page.looking import Look, is_on, one
from bulletdrop.tray.page.rendering import render
from bulletdrop.tray.words import speak, t
from bulletdrop.tray.words_said import told

log = get_logger("page")


def show(look: Look) -> Reply:
    """The preferences."""
    return render(
        "general.html",
        look,
        chosen=look.steering.chosen.now,
        autostart=autostart.state(),
        autostart_hint=autostart.hint(),
        version=__version__,
        own_server=look.steering.connection().own_server,
    )


def act(look: Look, form: dict[str, list[str]]) -> str:
    """Save them; what a form does not name stays as it is."""
    chosen = look.steering.chosen
    if one(form, "do") == "login":
        return _login(look, on=is_on(form, "start_at_login"))
    try:
        chosen.change(
            link=one(form, "link", chosen.now.link),
            format=one(form, "format", chosen.now.format),
            language=one(form, "language", chosen.now.language),
            undo_private=is_on(form, "undo_private"),
            notify=is_on(form, "notify"),
            check_updates=is_on(form, "check_updates"),
        )
    except BulletDropError as error:
        look.visit.say(told(error)[1], "danger")
        return "general"
    speak(chosen.now.language)
    look.visit.say(t("Saved."))
    return "general"


def _login(look: Look, *, on: bool) -> str:
    try:
        state = autostart.turn_on(_arguments(look)) if on else autostart.turn_off()
    except BulletDropError as error:
        look.visit.say(told(error)[1], "danger")
        return "general#login"
    look.steering.chosen.change(start_at_login=on)
    if state == "disabled_by_system":
        look.visit.say(autostart.hint(), "warn")
    else:
        look.visit.say(t("BulletDrop starts when you sign in.") if on else t("BulletDrop does not start by itself."))
    return "general#login"


def _arguments(look: Look) -> list[str]:
    """What this tray was started with: alone for a server elsewhere, or with the server of this machine."""
    import sys

    return autostart.arguments_for(look.config.data) if "tray" in sys.argv[1:2] else []
