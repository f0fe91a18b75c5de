"""What a release is made of, for the systems that are not here: read as they will read it."""

from __future__ import annotations

import ast
import plistlib
import re
import runpy
import subprocess
import sys
from typing import Any

import pytest

from tests.house.sources import TOP

bundle = runpy.run_path(str(TOP / "packaging" / "bundle.py"))
entry = runpy.run_path(str(TOP / "packaging" / "entry.py"), run_name="entry")

WORKFLOW = TOP / ".github" / "workflows" / "release.yml"
DESKTOP_FILES = sorted((TOP / "packaging" / "linux").glob("*.desktop"))


def test_only_the_forge_s_own_actions_are_used() -> None:
    used = re.findall(r"uses: (\S+)", WORKFLOW.read_text(encoding="utf-8"))
    assert len(used) > 5
    assert [one for one in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", one)] == []


def test_every_system_is_used_before_it_is_released() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    assert text.count("packaging/smoke.py") == 3
    assert "needs: [linux-smoke, windows, macos]" in text


def test_every_file_that_the_workflow_names_is_there() -> None:
    named = re.findall(r"\b((?:packaging|assets)/[\w./*-]+)", WORKFLOW.read_text(encoding="utf-8"))
    assert [name for name in named if not list(TOP.glob(name))] == []


def test_macos_asks_for_the_local_network_and_shows_no_dock_icon() -> None:
    values = plistlib.loads(plistlib.dumps(bundle["info_plist"]("1.2.3")))
    assert values["NSLocalNetworkUsageDescription"]
    assert values["NSBonjourServices"] == ["_bulletdrop._tcp"]
    assert values["LSUIElement"] is True
    assert "LSBackgroundOnly" not in values, "with it macOS never asks, and says no"
    assert values["CFBundleShortVersionString"] == "1.2.3"


def test_the_bundle_s_id_is_the_one_that_start_at_login_names() -> None:
    from bulletdrop.tray.autostart_entries import BUNDLE_ID

    assert bundle["BUNDLE_ID"] == BUNDLE_ID


def test_the_entitlements_can_be_read() -> None:
    path = TOP / "packaging" / "macos" / "entitlements.plist"
    assert plistlib.loads(path.read_bytes()) == {"com.apple.security.cs.allow-unsigned-executable-memory": True}


@pytest.mark.parametrize("version, four", [("1.2.3", (1, 2, 3, 0)), ("0.1.0.dev4", (0, 1, 0, 4)), ("2", (2, 0, 0, 0))])
def test_windows_s_version_is_what_pyinstaller_evaluates(version: str, four: tuple[int, ...]) -> None:
    # PyInstaller evaluates the text with these names (PyInstaller.utils.win32.versioninfo).
    names = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "StringStruct", "VarFileInfo")
    tree = ast.parse(bundle["windows_version"](version).strip(), mode="eval")
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert called == {*names, "VarStruct"}
    assert f"filevers={four}" in bundle["windows_version"](version)


@pytest.mark.parametrize("path", DESKTOP_FILES, ids=lambda path: path.name)
def test_desktop_files_say_what_a_menu_needs(path: Any) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines[0] == "[Desktop Entry]"
    values = dict(line.split("=", 1) for line in lines[1:])
    assert (values["Type"], values["Name"], values["Exec"], values["Icon"]) == (
        "Application", "BulletDrop", "bulletdrop", "bulletdrop",
    )  # fmt: skip
    assert values["Categories"].endswith(";")


def test_a_program_without_a_console_writes_into_its_data_folder() -> None:
    code = (
        "import sys, os; sys.path.insert(0, 'packaging'); sys.stdout = sys.stderr = None\n"
        "import entry; entry.give_streams(); print('hello'); sys.stderr.write('ouch\\n')\n"
        "del os.environ['BULLETDROP_DATA']"
    )
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "data" / "bulletdrop.log"
        environ = {"BULLETDROP_DATA": str(log.parent), "PYTHONPATH": str(TOP), "HOME": folder}
        for _ in range(2):
            subprocess.run([sys.executable, "-c", code], cwd=TOP, env=environ, check=True, timeout=60)
        assert log.read_text() == "hello\nouch\n" * 2
        log.write_text("x" * (entry["MOST_LOG"] + 1))
        subprocess.run([sys.executable, "-c", code], cwd=TOP, env=environ, check=True, timeout=60)
        assert log.read_text() == "hello\nouch\n"
