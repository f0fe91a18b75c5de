"""Windows's registry of the signed-in person (HKEY_CURRENT_USER), behind methods that a dictionary can imitate."""

from __future__ import annotations

import sys
from typing import Protocol


class Registry(Protocol):
    """Values below HKEY_CURRENT_USER. Keys are paths such as `Software\\Classes`."""

    def read(self, key: str, name: str) -> str | int | bytes | None:
        """A value, or None when key or value is not there. Raises OSError when it may not be read."""
        ...

    def write(self, key: str, name: str, value: str | int) -> None:
        """Set a value: a text as REG_SZ, a number as REG_DWORD. Keys on the way are made. Raises OSError."""
        ...

    def delete(self, key: str, name: str) -> None:
        """Remove a value; one that is not there is no error. Raises OSError."""
        ...


class WindowsRegistry:
    """The real one. Its module exists on Windows only, so it is imported when a value is asked for."""

    def read(self, key: str, name: str) -> str | int | bytes | None:
        if sys.platform == "win32":
            import winreg

            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                    value: str | int | bytes | None = winreg.QueryValueEx(opened, name)[0]
                    return value
            except FileNotFoundError:
                return None
        raise OSError("There is no registry on this system.")

    def write(self, key: str, name: str, value: str | int) -> None:
        if sys.platform == "win32":
            import winreg

            kind = winreg.REG_SZ if isinstance(value, str) else winreg.REG_DWORD
            with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, key) as opened:
                winreg.SetValueEx(opened, name, 0, kind, value)
            return
        raise OSError("There is no registry on this system.")

    def delete(self, key: str, name: str) -> None:
        if sys.platform == "win32":
            import contextlib
            import winreg

            with (
                contextlib.suppress(FileNotFoundError),
                winreg.OpenKey(winreg.HKEY_CURRENT_USER, key, 0, winreg.KEY_SET_VALUE) as opened,
            ):
                winreg.DeleteValue(opened, name)
            return
        raise OSError("There is no registry on this system.")
