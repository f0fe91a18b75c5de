"""Where screenshots go, by recorded facts of many desktops."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bulletdrop.config import Config
from bulletdrop.tray.folders import System, ask_program, candidates, make_default_folder, watched_folders
from bulletdrop.tray.intake import Rhythm
from bulletdrop.tray.marks import is_capture, is_marked, needs_mark

CONFIG = Config()


def linux(home: Path, *, answers: dict[str, str] | None = None, **environ: str) -> System:
    def ask(command: Sequence[str]) -> str | None:
        return (answers or {}).get(" ".join(command))

    return System(platform="linux", home=home, environ=environ, ask=ask)


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_named_folder_is_the_only_one(tmp_path: Path) -> None:
    (tmp_path / "Pictures" / "Screenshots").mkdir(parents=True)
    assert watched_folders(Config(watch=tmp_path / "mine"), linux(tmp_path)) == [tmp_path / "mine"]


def test_without_any_sign_the_usual_folder_is_waited_for(tmp_path: Path) -> None:
    assert watched_folders(CONFIG, linux(tmp_path)) == [tmp_path / "Pictures" / "Screenshots"]


def test_the_usual_folder_is_made_so_that_the_first_screenshot_can_be_saved(tmp_path: Path) -> None:
    make_default_folder(CONFIG, linux(tmp_path))
    made = tmp_path / "Pictures" / "Screenshots"
    assert made.is_dir()
    assert made.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_was_named_is_waited_for_and_not_made(tmp_path: Path) -> None:
    make_default_folder(Config(watch=tmp_path / "mine"), linux(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_from_a_setting_is_made_only_where_its_parent_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    put(home / ".config" / "spectaclerc", "[ImageSave]\nimageSaveLocation=$HOME/disk/Shots\n")
    make_default_folder(CONFIG, linux(home))
    assert not (home / "disk").exists()
    (home / "disk").mkdir()
    make_default_folder(CONFIG, linux(home))
    assert (home / "disk" / "Shots").is_dir()
    put(home / ".config" / "spectaclerc", f"[ImageSave]\nimageSaveLocation={tmp_path}/outside\n")
    make_default_folder(CONFIG, linux(home))
    assert not (tmp_path / "outside").exists()


def test_gnome_in_german_is_found_by_the_folder_that_exists(tmp_path: Path) -> None:
    dirs = '# comment\nXDG_PICTURES_DIR="$HOME/Bilder"\nXDG_DESKTOP_DIR="$HOME"\n'
    put(tmp_path / ".config" / "user-dirs.dirs", dirs)
    folder = tmp_path / "Bilder" / "Bildschirmfotos"
    folder.mkdir(parents=True)
    assert watched_folders(CONFIG, linux(tmp_path)) == [folder]


@pytest.mark.parametrize("name", ["屏幕截图", "Captures d’écran", "スクリーンショット", "Снимки экрана"])
def test_translated_folders_are_known(tmp_path: Path, name: str) -> None:
    (tmp_path / "Pictures" / name).mkdir(parents=True)
    assert watched_folders(CONFIG, linux(tmp_path)) == [tmp_path / "Pictures" / name]


@pytest.mark.parametrize(
    "text",
    [
        "[ImageSave]\nimageSaveLocation=file:///{home}/My%20Shots/\n",
        "[ImageSave]\nimageSaveLocation[$e]=file:$HOME/My%20Shots\n",
        "[General]\nx=1\n\n[Save]\ndefaultSaveLocation=$HOME/My%20Shots/\n".replace("%20", " "),
    ],
)
def test_spectacles_own_setting_comes_first(tmp_path: Path, text: str) -> None:
    put(tmp_path / ".config" / "spectaclerc", text.replace("{home}", str(tmp_path)))
    (tmp_path / "My Shots").mkdir()
    first = candidates(linux(tmp_path))[0]
    assert (first.path, first.reason, first.exists) == (tmp_path / "My Shots", "Spectacle's setting", True)


def test_spectacles_translated_folder_lies_in_the_pictures_folder(tmp_path: Path) -> None:
    put(tmp_path / ".config" / "spectaclerc", "[ImageSave]\ntranslatedScreenshotsFolder=Képek a képernyőről\n")
    assert candidates(linux(tmp_path))[0].path == tmp_path / "Pictures" / "Képek a képernyőről"


def test_gsettings_answers_for_gnome_and_mate(tmp_path: Path) -> None:
    answers = {
        "gsettings get org.gnome.gnome-screenshot auto-save-directory": f"'file://{tmp_path}/gnome'",
        "gsettings get org.mate.screenshot auto-save-directory": "''",
    }
    assert candidates(linux(tmp_path, answers=answers))[0].path == tmp_path / "gnome"


def test_flameshot_ksnip_and_xfce_are_read(tmp_path: Path) -> None:
    config = tmp_path / "xdg"
    put(config / "flameshot" / "flameshot.ini", f"[General]\nsavePath={tmp_path}/flames\nuploadHistoryMax=25\n")
    put(config / "ksnip" / "ksnip.conf", f"[Application]\nSaveDirectory={tmp_path}/ksnips\n")
    put(config / "xfce4" / "xfce4-screenshooter", f"app=none\nscreenshot_dir=file://{tmp_path}/xfce\n")
    found = [one.path.name for one in candidates(linux(tmp_path, XDG_CONFIG_HOME=str(config)))]
    assert found[:3] == ["flames", "ksnips", "xfce"]


def test_all_folders_that_exist_are_watched(tmp_path: Path) -> None:
    put(tmp_path / ".config" / "flameshot" / "flameshot.ini", f"[General]\nsavePath={tmp_path}/flames\n")
    (tmp_path / "flames").mkdir()
    (tmp_path / "Pictures" / "Screenshots").mkdir(parents=True)
    folders = watched_folders(CONFIG, linux(tmp_path))
    assert folders == [tmp_path / "flames", tmp_path / "Pictures" / "Screenshots"]


@pytest.mark.parametrize("shared", ["", "Pictures", "Desktop", "Downloads", "Bilder"])
def test_folders_full_of_other_things_are_listed_but_not_watched_unasked(tmp_path: Path, shared: str) -> None:
    put(tmp_path / ".config" / "user-dirs.dirs", 'XDG_PICTURES_DIR="$HOME/Bilder"\n')
    put(tmp_path / ".config" / "flameshot" / "flameshot.ini", f"[General]\nsavePath={tmp_path}/{shared}\n")
    (tmp_path / shared).mkdir(exist_ok=True)
    first = candidates(linux(tmp_path))[0]
    assert (first.path, first.shared) == (tmp_path / shared, True)
    assert watched_folders(CONFIG, linux(tmp_path)) == [tmp_path / "Bilder" / "Screenshots"]


def test_the_environment_names_folders_for_sway_and_hyprland(tmp_path: Path) -> None:
    system = linux(tmp_path, XDG_SCREENSHOTS_DIR="~/hypr", GRIM_DEFAULT_DIR=f"{tmp_path}/grim")
    assert [one.path.name for one in candidates(system)][:2] == ["hypr", "grim"]
    put(tmp_path / ".config" / "user-dirs.dirs", 'XDG_SCREENSHOTS_DIR="$HOME/snaps"\n')
    snaps = next(one for one in candidates(linux(tmp_path)) if one.path.name == "snaps")
    assert not snaps.shared


def test_broken_settings_are_no_reason_to_fail(tmp_path: Path) -> None:
    put(tmp_path / ".config" / "spectaclerc", "[ImageSave\nimageSaveLocation\n=\n[]\nimageSaveLocation=relative\n")
    put(tmp_path / ".config" / "user-dirs.dirs", "XDG_PICTURES_DIR\n=x\nXDG_MUSIC_DIR=relative\n")
    assert watched_folders(CONFIG, linux(tmp_path)) == [tmp_path / "Pictures" / "Screenshots"]


def macos(home: Path, location: str | None) -> System:
    answers: Callable[[Sequence[str]], str | None] = lambda _: location  # noqa: E731 -- one fact, one line
    return System(platform="darwin", home=home, environ={}, ask=answers)


def test_macos_says_where_and_else_it_is_the_desktop(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "Shots").symlink_to(tmp_path / "real")
    assert watched_folders(CONFIG, macos(tmp_path, "~/Shots")) == [(tmp_path / "real").resolve()]
    assert watched_folders(CONFIG, macos(tmp_path, None)) == [tmp_path / "Desktop"]
    assert watched_folders(CONFIG, macos(tmp_path, "/no/such/folder")) == [tmp_path / "Desktop"]


def test_on_a_macos_desktop_only_marked_files_count(tmp_path: Path) -> None:
    assert needs_mark(tmp_path / "Desktop", platform="darwin", home=tmp_path)
    assert not needs_mark(tmp_path / "Desktop" / "Shots", platform="darwin", home=tmp_path)
    assert not needs_mark(tmp_path / "Desktop", platform="linux", home=tmp_path)
    assert is_capture(tmp_path / "a.png", tmp_path)
    assert is_marked(tmp_path / "a.png")


def test_windows_is_asked_for_its_known_folder(tmp_path: Path) -> None:
    (tmp_path / "OneDrive" / "Pictures" / "Screenshots").mkdir(parents=True)
    moved = tmp_path / "D" / "Shots"
    moved.mkdir(parents=True)
    asked: list[str] = []

    def known(folder_id: str) -> str:
        asked.append(folder_id)
        return str(moved)

    system = System("win32", tmp_path, {"OneDrive": str(tmp_path / "OneDrive")}, lambda _: None, known)
    assert watched_folders(CONFIG, system) == [moved, tmp_path / "OneDrive" / "Pictures" / "Screenshots"]
    assert asked == ["{b7bede81-df94-4682-a7d8-57a52620b86f}"]


def test_a_program_that_hangs_is_left_after_a_second() -> None:
    started = time.monotonic()
    assert ask_program(["sleep", "30"]) is None
    assert time.monotonic() - started < 10
    assert ask_program(["no-such-program-at-all"]) is None
    assert ask_program(["false"]) is None
    assert ask_program(["echo", " x "]) == "x"


def test_folders_are_asked_for_again_every_five_minutes() -> None:
    assert Rhythm().rescan == 300.0


def test_on_windows_onedrive_s_folder_is_found_in_its_language_and_recordings_of_games_are_only_listed(
    tmp_path: Path,
) -> None:
    german = tmp_path / "OneDrive - Contoso" / "Bilder" / "Bildschirmfotos"
    captures = tmp_path / "Videos" / "Captures"
    for folder in (german, captures):
        folder.mkdir(parents=True)
    environ = {"OneDriveCommercial": str(tmp_path / "OneDrive - Contoso")}
    system = System("win32", tmp_path, environ, lambda _: None, lambda _: None)
    found = {one.path: one for one in candidates(system)}
    assert found[german].shared is False
    assert found[captures].shared is True
    assert watched_folders(CONFIG, system) == [german]
