"""Windows shows toasts only for programs that it knows by name: the name is registered here, for this person alone.

A toast under a name that is registered nowhere is dropped without an error. An installer's Start menu shortcut with the
same name (System.AppUserModel.ID) works as well, and both may be there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from bulletdrop.log import get_logger
from bulletdrop.tray.registry import Registry, WindowsRegistry

log = get_logger("toasts")

# The application user model id. desktop-notifier takes the program's name for it.
APP_ID = "BulletDrop"
KEY = rf"Software\Classes\AppUserModelId\{APP_ID}"


def _set_process_id(app_id: str) -> None:
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(app_id)


def register(
    icon: Path, *, registry: Registry | None = None, set_process_id: Callable[[str], None] = _set_process_id
) -> bool:
    """Make toasts of this program appear under its name and picture. Once per start, after the library was set up,
    which writes the picture's place as a URL where Windows wants a path. Never raises.

    Args:
        icon: a PNG that stays where it is.
    Returns: whether it is registered now; if not, the icon's balloons are left (`PystrayIcon.balloon`).
    """
    registry = registry or WindowsRegistry()
    try:
        for name, value in (("DisplayName", "BulletDrop"), ("IconUri", str(icon))):
            if registry.read(KEY, name) != value:
                registry.write(KEY, name, value)
        set_process_id(APP_ID)
    except OSError as error:
        log.info("Toasts could not be registered: %s", error)
        return False
    return True
