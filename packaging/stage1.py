"""The first stage of the one-file program: unpacks the real program once, then becomes it.

The file is `bootloader | payload.tar.xz | trailer | this script as a PyInstaller package`. PyInstaller's own single
file would unpack 60 MB at every start (300 to 490 ms measured for `--version`); here that happens once per version,
into the user's cache folder, and a later start costs 25 ms. Only what imports fast is imported before it is needed.

Layout of the trailer (`packaging/two_stage.py` writes it): magic, length of the payload, its SHA-256, the version.
"""

from __future__ import annotations

import os
import struct
import sys

TYPE_CHECKING = False  # typing itself takes ten milliseconds to import
if TYPE_CHECKING:
    from typing import BinaryIO

# PyInstaller's own mark at the very end of the file; its second field is the package's length.
COOKIE = struct.Struct("!8sIIII64s")
TRAILER = struct.Struct("!8sQ32s32s")
MAGIC = b"BDPAYLD1"
PROGRAM = "bulletdrop"
COMPLETE = ".complete"
IN_USE = ".in-use"


def main() -> None:
    """Answer `--version` at once; else run the unpacked program in this process."""
    with open(sys.executable, "rb") as file:
        start, length, digest, version = read_trailer(file)
        if sys.argv[1:] in (["--version"], ["-V"]):
            os.write(1, f"bulletdrop {version}\n".encode())
            sys.stdout.flush()
            os._exit(0)
        folder = os.path.join(cache_folder(), f"{version}-{digest.hex()[:16]}")
        hold(folder)
        if not is_whole(folder):
            unpack(file, start, length, digest, folder)
            hold(folder)
            remove_others(folder)
    become(os.path.join(folder, PROGRAM))


def read_trailer(file: BinaryIO) -> tuple[int, int, bytes, str]:
    """Where the payload starts, how long it is, its SHA-256 and the program's version."""
    end = file.seek(-COOKIE.size, os.SEEK_END) + COOKIE.size
    package_length = COOKIE.unpack(file.read(COOKIE.size))[1]
    file.seek(end - package_length - TRAILER.size)
    magic, length, digest, version = TRAILER.unpack(file.read(TRAILER.size))
    if magic != MAGIC:
        sys.exit("bulletdrop: this file is damaged; please fetch it again.")
    return end - package_length - TRAILER.size - length, length, digest, version.rstrip(b"\0").decode()


def cache_folder() -> str:
    """The folder for unpacked programs: the user's cache, a service's own, or a private one among temporary files."""
    home = os.path.expanduser("~")
    places = (
        os.environ.get("XDG_CACHE_HOME"),
        os.environ.get("CACHE_DIRECTORY", "").split(":")[0],  # systemd's CacheDirectory=
        os.path.join(home, ".cache") if os.path.isabs(home) else None,
    )
    for place in places:
        if place and os.path.isabs(place) and usable(os.path.join(place, PROGRAM)):
            return os.path.join(place, PROGRAM)
    place = os.path.join(os.environ.get("TMPDIR") or "/tmp", f"{PROGRAM}-{os.getuid()}")
    if usable(place):
        return place
    sys.exit("bulletdrop: no folder can be written to unpack the program in; set XDG_CACHE_HOME to one.")


def usable(folder: str) -> bool:
    """Whether a folder is there (or can be made), is ours alone to write, and lets programs be written."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        about = os.lstat(folder)
    except OSError:
        return False
    return about.st_uid == os.getuid() and not about.st_mode & 0o022 and os.access(folder, os.W_OK | os.X_OK)


def hold(folder: str) -> None:
    """Say that this version is in use, for as long as the program runs: an open lock goes along through exec."""
    import fcntl

    try:
        lock = os.open(os.path.join(folder, IN_USE), os.O_RDWR)
    except OSError:
        return  # not unpacked yet
    fcntl.flock(lock, fcntl.LOCK_SH)
    os.set_inheritable(lock, True)


def measure(folder: str) -> str:
    """How many files an unpacked program has and how many bytes: takes a millisecond, and tells a cleaned cache."""
    count = total = 0
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.name not in (COMPLETE, IN_USE):
                    count += 1
                    total += entry.stat(follow_symlinks=False).st_size
    return f"{count} {total}"


def is_whole(folder: str) -> bool:
    """Whether everything that was unpacked is still there; cleaners of old files visit caches."""
    try:
        with open(os.path.join(folder, COMPLETE), encoding="ascii") as file:
            return file.read() == measure(folder)
    except OSError:
        return False


def unpack(file: BinaryIO, start: int, length: int, digest: bytes, folder: str) -> None:
    """Unpack the payload beside its final place, check it, and move it there in one step."""
    import hashlib
    import io
    import shutil
    import tarfile

    file.seek(start)
    payload = file.read(length)
    if hashlib.sha256(payload).digest() != digest:
        sys.exit("bulletdrop: this file is damaged; please fetch it again.")
    temporary = os.path.join(os.path.dirname(folder), f".new-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        os.mkdir(temporary, 0o700)
        with tarfile.open(fileobj=io.BytesIO(payload), mode="r:xz") as archive:
            if hasattr(tarfile, "fully_trusted_filter"):  # Debian 12's Python has no filters yet
                archive.extraction_filter = tarfile.fully_trusted_filter  # our own bytes, proved above
            for member in archive:
                archive.extract(member, temporary)
                if member.isreg():
                    sync(os.path.join(temporary, member.name))
        for name, text in ((IN_USE, ""), (COMPLETE, measure(temporary))):
            with open(os.path.join(temporary, name), "w", encoding="ascii") as mark:
                mark.write(text)
            sync(os.path.join(temporary, name))
        put_in_place(temporary, folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        sys.exit(f"bulletdrop: the program could not be unpacked in {os.path.dirname(folder)}: {error.strerror}.")


def sync(path: str) -> None:
    """Put a file on the disk: a power cut must not leave a whole-looking program with empty files."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(temporary: str, folder: str) -> None:
    """Rename the unpacked program to its final name; whoever came first wins, and a broken one makes way."""
    import shutil

    try:
        os.rename(temporary, folder)
    except OSError:
        if is_whole(folder):
            shutil.rmtree(temporary, ignore_errors=True)
            return
        broken = temporary.replace(".new-", ".old-")
        os.rename(folder, broken)
        os.rename(temporary, folder)
        shutil.rmtree(broken, ignore_errors=True)
    sync(os.path.dirname(folder))


def remove_others(folder: str) -> None:
    """Remove earlier versions that no running program holds."""
    import fcntl
    import shutil

    parent = os.path.dirname(folder)
    for name in os.listdir(parent):
        other = os.path.join(parent, name)
        if other == folder or name.startswith("."):
            continue
        try:
            lock = os.open(os.path.join(other, IN_USE), os.O_RDWR)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # in use, or not ours
        shutil.rmtree(other, ignore_errors=True)
        os.close(lock)


def become(program: str) -> None:
    """Replace this process by the unpacked program, in an environment without traces of this stage."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("_PYI_")}
    original = environment.pop("LD_LIBRARY_PATH_ORIG", None)
    environment.pop("LD_LIBRARY_PATH", None)
    if original:
        environment["LD_LIBRARY_PATH"] = original
    environment["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
    environment["BULLETDROP_EXECUTABLE"] = sys.executable  # what autostart and updates have to name
    environment["_BULLETDROP_WAITS"] = str(os.getppid())  # the bootloader's process, which the person sees and may kill
    remove_own_folder()
    os.execve(program, [sys.argv[0], *sys.argv[1:]], environment)


def remove_own_folder() -> None:
    """Empty the folder that the loader unpacked for this stage, which is over: kill -9 would leave 8 MB for ever.

    The folder itself stays for the loader's process, which complains when it cannot remove it at the end.
    """
    own = getattr(sys, "_MEIPASS", "")
    if not os.path.basename(own).startswith("_MEI"):
        return
    for folder, folders, files in os.walk(own, topdown=False):
        for name in files:
            os.unlink(os.path.join(folder, name))
        for name in folders:
            os.rmdir(os.path.join(folder, name))


if __name__ == "__main__":
    main()
