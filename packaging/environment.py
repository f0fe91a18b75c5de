"""The environment in `.venv` at the top of the checkout: made once, topped up when the project asks for more.

Standard library only. Which index the packages come from is pip's own configuration; none is named here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import system

TOP = Path(__file__).resolve().parent.parent
VENV = TOP / ".venv"
STAMP = VENV / ".bulletdrop.json"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
WHEELS = Path("/usr/share/python-wheels")  # where Debian keeps pip's wheel, in the package python3-pip-whl


class CannotContinue(Exception):
    """Something a person has to do first; the message is the whole sentence."""


def say(text: str) -> None:
    """One line to the person, on stderr, so that stdout stays the program's own."""
    print(text, file=sys.stderr, flush=True)


def ensure(extras: set[str]) -> None:
    """Make `.venv` hold BulletDrop with these extras of pyproject.toml. Costs a millisecond when it already does.

    Raises: CannotContinue when no pip can be had, or when pip fails.
    """
    stamp = _read_stamp()
    if stamp is not None and extras <= set(stamp["extras"]):
        return
    with only_one_at_a_time():
        stamp = _read_stamp()
        if stamp is not None and extras <= set(stamp["extras"]):
            return
        wanted = sorted(extras | set(stamp["extras"] if stamp else ()))
        _make_venv()
        _install(wanted)
        STAMP.write_text(json.dumps({**_identity(), "extras": wanted}), encoding="utf-8")


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Keep a second dev.py waiting while this one changes the environment, the page or the binary."""
    if os.name == "nt":
        yield
        return
    import fcntl

    folder = TOP / ".dev"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _identity() -> dict[str, str]:
    """What the environment depends on: when one of these changes, it is brought up to date."""
    project = hashlib.sha256((TOP / "pyproject.toml").read_bytes()).hexdigest()
    return {"project": project, "python": os.path.realpath(PYTHON), "place": str(TOP)}


def _read_stamp() -> dict[str, list[str]] | None:
    """The stamp of the last installation, or None when it is missing or belongs to something else."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not PYTHON.exists() or {key: stamp.get(key) for key in _identity()} != _identity():
        return None
    return {"extras": list(stamp["extras"])}


def _make_venv() -> None:
    """Make `.venv` with a pip in it, whatever the system's Python lacks."""
    if _has_pip():
        return
    if VENV.exists():  # half made, or its Python is gone
        shutil.rmtree(VENV)
    say("Making the environment in .venv")
    if _quiet([sys.executable, "-m", "venv", str(VENV)]) and _has_pip():
        return
    # Debian and Ubuntu split ensurepip off into another package. Without it the environment can be made, but empty.
    shutil.rmtree(VENV, ignore_errors=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not _quiet([sys.executable, "-m", "venv", "--without-pip", str(VENV)]):
        if not system.install([f"python{version}-venv"]) or not _quiet([sys.executable, "-m", "venv", str(VENV)]):
            raise CannotContinue(_sentence(version))
        return
    if not (_pip_from(WHEELS) or _pip_from_apt(version) or _pip_from_download()):
        shutil.rmtree(VENV, ignore_errors=True)
        raise CannotContinue(_sentence(version))


def _sentence(version: str) -> str:
    return (
        "This Python brings no pip, and none could be fetched. "
        f"Install it with: sudo apt-get install python{version}-venv, then run this command again."
    )


def _has_pip() -> bool:
    return PYTHON.exists() and _quiet([str(PYTHON), "-m", "pip", "--version"])


def _pip_from(folder: Path) -> bool:
    """Install pip from a wheel of itself that lies in a folder; a wheel of pip can run as it is."""
    for wheel in sorted(folder.glob("pip-*.whl"), reverse=True):
        if _quiet([str(PYTHON), str(wheel / "pip"), "install", "--no-index", str(wheel)]):
            return True
    return False


def _pip_from_apt(version: str) -> bool:
    if system.install(["python3-pip-whl"]) and _pip_from(WHEELS):
        return True
    return system.install([f"python{version}-venv"]) and _quiet([str(PYTHON), "-m", "ensurepip"])


def _pip_from_download() -> bool:
    """Fetch Debian's package with pip's wheel and unpack it beside the environment: needs no right to install."""
    unpacked = system.fetch("python3-pip-whl", TOP / ".dev" / "apt")
    return unpacked is not None and _pip_from(unpacked / WHEELS.relative_to("/"))


def _install(extras: list[str]) -> None:
    say("Installing what BulletDrop needs (" + ", ".join(["the program", *extras]) + ")")
    # The page is built by dev.py itself, with the same code as the hook of the wheel.
    environment = {**os.environ, "HATCH_BUILD_NO_HOOKS": "true", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--editable", f"{TOP}[{','.join(extras)}]"]
    if subprocess.run(command, env=environment, check=False).returncode:
        raise CannotContinue("pip could not install what BulletDrop needs; its own words are above.")


def _quiet(command: list[str]) -> bool:
    """Run a command whose words matter to nobody; True when it went well."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
