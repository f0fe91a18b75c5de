"""What the built program tells Windows and macOS about itself. Standard library only; bulletdrop.spec uses it."""

from __future__ import annotations

import re
from typing import Any

BUNDLE_ID = "org.bulletdrop.BulletDrop"
# The oldest macOS that the packed libraries run on.
OLDEST_MACOS = "12.0"


def info_plist(version: str) -> dict[str, Any]:
    """The bundle's Info.plist.

    Never `LSBackgroundOnly`: with it macOS does not ask whether the local network may be used, and says no. PyInstaller
    writes it for programs with `console=True`.
    """
    return {
        "CFBundleIdentifier": BUNDLE_ID,
        "CFBundleName": "BulletDrop",
        "CFBundleDisplayName": "BulletDrop",
        "CFBundleShortVersionString": version,
        "CFBundleVersion": version,
        "LSMinimumSystemVersion": OLDEST_MACOS,
        "LSApplicationCategoryType": "public.app-category.utilities",
        # An icon in the menu bar and none in the Dock.
        "LSUIElement": True,
        "NSHighResolutionCapable": True,
        "NSBonjourServices": ["_bulletdrop._tcp"],
        "NSLocalNetworkUsageDescription": (
            "BulletDrop finds your server in this network and sends your screenshots there."
        ),
        "NSDesktopFolderUsageDescription": "macOS puts screenshots on the desktop; BulletDrop finds them there.",
        "NSDocumentsFolderUsageDescription": "BulletDrop looks for new screenshots in the folder that you chose.",
        "NSDownloadsFolderUsageDescription": "BulletDrop looks for new screenshots in the folder that you chose.",
    }


def windows_version(version: str) -> str:
    """VERSIONINFO as PyInstaller reads it (its manual, "Capturing Windows version data").

    Programs without it are taken for malware more often.
    """
    numbers = [int(part) for part in re.findall(r"\d+", version)][:4]
    four = tuple(numbers + [0] * (4 - len(numbers)))
    texts = {
        "CompanyName": "BulletDrop",
        "FileDescription": "BulletDrop",
        "FileVersion": version,
        "InternalName": "bulletdrop",
        "OriginalFilename": "bulletdrop.exe",
        "ProductName": "BulletDrop",
        "ProductVersion": version,
    }
    strings = ", ".join(f"StringStruct({name!r}, {value!r})" for name, value in texts.items())
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={four}, prodvers={four}), kids=["
        f"StringFileInfo([StringTable('040904B0', [{strings}])]), "
        "VarFileInfo([VarStruct('Translation', [1033, 1200])])])\n"
    )
