"""What a decoding child may still do when a picture has taken it over: tried from inside, and with real pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bulletdrop.config import Config
from bulletdrop.errors import Unavailable
from bulletdrop.media.decoding import walls
from bulletdrop.media.decoding.pool import Decoder
from tests.media.decoder_samples import encoded, scene, swapped_profile, write
from tests.support.needs import unavailable
from tests.support.server import binary

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="seccomp and Landlock are Linux's")

# Tries everything that a taken-over child might, from a thread, as a decoder would.
INTRUDER = """
import json, os, socket, subprocess, sys, threading
from bulletdrop.media.decoding import cage
data = sys.argv[1]
cage.shut(memory_mb=1024, parent=os.getppid(), readable=[f"{data}/uploads"], writable=[f"{data}/tmp"])
def unix():
    socket.socket(socket.AF_UNIX).connect("/run/dbus/system_bus_socket")
def thread(): pass
attempts = {
    "internet": lambda: socket.socket(socket.AF_INET),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "unix": unix,
    "program": lambda: os.execv("/bin/true", ["true"]),
    "child program": lambda: subprocess.run(["/bin/true"]),
    "kill": lambda: os.kill(os.getppid(), 0),
    "database": lambda: open(f"{data}/bulletdrop.db", "rb"),
    "secret": lambda: open(f"{data}/secret.key", "rb"),
    "passwords": lambda: open("/etc/passwd", "rb"),
    "other process": lambda: open(f"/proc/{os.getppid()}/environ", "rb").read(),
    "list of data": lambda: os.listdir(data),
    "write an upload": lambda: open(f"{data}/uploads/a.png", "wb"),
    "remove an upload": lambda: os.unlink(f"{data}/uploads/a.png"),
    "write elsewhere": lambda: open(f"{data}/new", "wb"),
    "read an upload": lambda: open(f"{data}/uploads/a.png", "rb").read(),
    "write a thumbnail": lambda: open(f"{data}/tmp/a.part", "wb").write(b"x"),
    "use Python": lambda: __import__("colorsys"),
}
done = []
def attempt():
    for name, verb in attempts.items():
        try:
            verb()
        except OSError:
            continue
        done.append(name)
worker = threading.Thread(target=attempt)
worker.start(); worker.join()
print(json.dumps(done))
"""


def needs_landlock() -> None:
    """Skip where the kernel has no Landlock; with CI=true, fail."""
    shut = "cage.shut(memory_mb=1024, parent=0, readable=[], writable=[])"
    hidden = "print(walls.hide_disk(readable=['/'], writable=[]))"
    probe = f"from bulletdrop.media.decoding import cage, walls; import os; {shut}; {hidden}"
    if b"True" not in run(probe):
        unavailable("the kernel has no Landlock (Linux 5.13, lsm=landlock)")


def run(program: str, *arguments: str) -> bytes:
    """What a Python program prints."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, timeout=150).stdout


def test_a_child_that_was_taken_over_reaches_nothing_but_pictures(tmp_path: Path) -> None:
    needs_landlock()
    for name in ("bulletdrop.db", "secret.key", "uploads/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"something")
    (tmp_path / "tmp").mkdir()
    done = json.loads(run(INTRUDER, str(tmp_path)))
    assert done == ["read an upload", "write a thumbnail", "use Python"]
    assert (tmp_path / "uploads/a.png").read_bytes() == b"something"


def test_the_walls_do_not_hinder_the_work(tmp_path: Path) -> None:
    # The binary's child needs other files than the source's: it is tried where there is one.
    with Decoder(Config(data=tmp_path), command=[*binary(), "decode"]) as decoder:
        (tmp_path / "tmp").mkdir()
        work = write(tmp_path / "tmp", "turn.part", encoded(scene(), "JPEG"))
        # The first child starts before there is a folder of uploads, and must still see it later.
        decoder.upright(work, tmp_path / "tmp/upright.part", mime="image/jpeg", orientation=6)
        (tmp_path / "uploads/2026").mkdir(parents=True)
        profile = {"icc_profile": swapped_profile()}
        for kind in ("png", "jpeg", "gif", "webp", "avif", "bmp"):
            source = write(tmp_path / "uploads/2026", f"a.{kind}", encoded(scene(1200, 900), kind, **profile))
            decoded = decoder.thumbnails(source, mime=f"image/{kind}", folder=tmp_path / "tmp")
            with Image.open(decoded.files["medium"]) as thumbnail:
                assert thumbnail.size == (1200, 900)


def test_a_picture_elsewhere_is_not_read(tmp_path: Path) -> None:
    needs_landlock()
    data = tmp_path / "data"
    source = write(tmp_path, "elsewhere.png", encoded(scene(), "PNG"))
    with Decoder(Config(data=data)) as decoder:
        assert not decoder.may_read(source)
        assert decoder.may_read(data / "uploads/a.png")
        assert not decoder.may_read(data / "secret.key")
        with pytest.raises(Unavailable):
            decoder.thumbnails(source, mime="image/png", folder=data / "tmp")


def test_pythons_own_folders_are_named() -> None:
    assert sys.prefix in walls.pythons_own()
