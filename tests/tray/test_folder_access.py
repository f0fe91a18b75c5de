"""A folder that the system does not let us read is told of once, with the cure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bulletdrop.tray.desk import FolderReport
from bulletdrop.tray.folder_access import FolderAccess, cure, may_read

DESKTOP = Path("/Users/alice/Desktop")


def test_a_refusal_is_told_once_and_again_after_it_was_lifted() -> None:
    told: list[tuple[Path, str]] = []
    allowed = {DESKTOP: False}
    access = FolderAccess(lambda *words: told.append(words), may_read=allowed.__getitem__, platform="darwin")
    refused = FolderReport(DESKTOP, "events", "may not be read")
    for _ in range(3):
        access.look([refused])
    assert [folder for folder, _ in told] == [DESKTOP]
    assert "Files and Folders" in told[0][1]
    allowed[DESKTOP] = True
    access.look([FolderReport(DESKTOP, "events")])
    allowed[DESKTOP] = False
    access.look([refused])
    assert len(told) == 2


def test_other_problems_of_a_folder_are_no_refusal() -> None:
    told: list[Path] = []
    access = FolderAccess(lambda folder, words: told.append(folder), may_read=lambda folder: True)
    access.look([FolderReport(DESKTOP, "absent", "does not exist yet"), FolderReport(DESKTOP, "events")])
    assert told == []


def test_a_folder_without_a_problem_is_not_even_looked_at() -> None:
    access = FolderAccess(lambda *words: pytest.fail("told"), may_read=lambda folder: pytest.fail("looked"))
    access.look([FolderReport(DESKTOP, "events")])


@pytest.mark.skipif(sys.platform != "linux", reason="becomes another user")
def test_a_real_folder_that_another_user_may_not_read(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert may_read(closed)
    assert may_read(tmp_path / "absent")
    code = f"print(may_read(Path({str(closed)!r})))"
    if os.getuid() == 0:
        for part in (tmp_path, *tmp_path.parents):
            if part.stat().st_uid == 0 and "pytest" in part.name:
                part.chmod(0o755)
        code = f"import os; os.setgid(65534); os.setuid(65534); {code}"
    else:
        closed.chmod(0)
    before = "from pathlib import Path; from bulletdrop.tray.folder_access import may_read\n"
    done = subprocess.run([sys.executable, "-c", before + code], capture_output=True, text=True, check=True)
    closed.chmod(0o700)
    assert done.stdout == "False\n"


def test_elsewhere_than_on_macos_the_folder_is_named() -> None:
    assert "/srv/shots" in cure(Path("/srv/shots"), "linux")
