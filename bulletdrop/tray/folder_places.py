"""The small languages in which systems say where screenshots go: user-dirs.dirs, .ini files, URLs, Windows's ids."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

XDG_SCREENSHOTS = "XDG_SCREENSHOTS_DIR"

# FOLDERID_Screenshots (Microsoft, KNOWNFOLDERID).
SCREENSHOTS_ID = "{b7bede81-df94-4682-a7d8-57a52620b86f}"

# How GNOME and KDE name the folder in the languages most spoken; only ones that exist are ever used.
TRANSLATIONS = (
    *("Screenshots", "Bildschirmfotos", "Captures d’écran", "Captures d'écran", "Capturas de pantalla"),
    *("Capturas de tela", "Capturas de ecrã", "Captures de pantalla", "Capturi de ecran", "Schermate"),
    *("Istantanee schermo", "Schermafdrukken", "Schermafbeeldingen", "Skärmbilder", "Skjermbilder", "Skærmbilleder"),
    *("Kuvakaappaukset", "Zrzuty ekranu", "Snímky obrazovky", "Képernyőképek", "Ekran Görüntüleri"),
    *("Снимки экрана", "Знімки екрана", "Екранни снимки", "Στιγμιότυπα οθόνης", "תמונות מסך", "لقطات الشاشة"),
    *("屏幕截图", "截图", "螢幕截圖", "螢幕擷圖", "スクリーンショット", "스크린샷", "Ảnh chụp màn hình"),
)

# OneDrive names its folder for pictures in the person's language.
PICTURES = (
    *("Pictures", "Bilder", "Images", "Imágenes", "Immagini", "Imagens", "Afbeeldingen", "Obrazy", "Obrázky", "Kuvat"),
    *(
        "Billeder",
        "Képek",
        "Resimler",
        "Изображения",
        "Зображення",
        "Εικόνες",
        "图片",
        "圖片",
        "ピクチャ",
        "画像",
        "사진",
    ),
)


def screenshots_below(root: Path) -> list[Path]:
    """The folders for screenshots in a cloud's folder that are there, in whatever language it names them."""
    parents = [root / name for name in PICTURES if (root / name).is_dir()]
    return [parent / name for parent in parents for name in TRANSLATIONS if (parent / name).is_dir()]


def xdg_folders(config_home: Path, home: Path) -> dict[str, Path]:
    """The folders in user-dirs.dirs by variable name; one that is the home itself means "none" and is left out."""
    try:
        text = (config_home / "user-dirs.dirs").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    found: dict[str, Path] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        value = value.strip().strip('"').replace("\\", "")
        if not equals or not name.startswith("XDG_"):
            continue
        path = Path(value.replace("$HOME", str(home)))
        if path.is_absolute() and path != home:
            found[name] = path
    return found


def read_ini(path: Path) -> dict[tuple[str, str], str]:
    """The values of a KDE, Qt or GLib settings file by section and key. Flags such as `[$e]` after keys are cut off.

    Not configparser: these files have duplicate keys, values with % signs, and keys before any section.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    section = ""
    found: dict[tuple[str, str], str] = {}
    for line in (line.strip() for line in lines):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";")):
            found[section, key.split("[")[0].strip()] = value.strip()
    return found


def from_url(text: str) -> str:
    """A path from a `file:` URL; anything else as it is."""
    return unquote(urlsplit(text).path) if text.startswith("file:") else text


def windows_known_folder(folder_id: str) -> str | None:
    """Where Windows keeps a known folder now (it moves when OneDrive takes over). None elsewhere, or if unknown."""
    if sys.platform == "win32":
        import ctypes
        import uuid

        raw = (ctypes.c_byte * 16).from_buffer_copy(uuid.UUID(folder_id).bytes_le)
        answer = ctypes.c_wchar_p()
        if ctypes.windll.shell32.SHGetKnownFolderPath(ctypes.byref(raw), 0, None, ctypes.byref(answer)):
            return None
        try:
            return answer.value
        finally:
            ctypes.windll.ole32.CoTaskMemFree(answer)
    else:
        return None
