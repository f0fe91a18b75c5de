"""The contract of storage, run on every backend."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bulletdrop.errors import BadName, DiskFull, MissingObject, Truncated
from bulletdrop.storage.base import Storage, check_key
from bulletdrop.storage.local import LocalStorage
from tests.support.needs import needs_root

KEY = "uploads/2026/11/20/abc.png"
Source = Callable[[bytes], Path]


class StorageContract:
    """What every backend keeps. A backend's test class gives the fixtures `storage` and `source`."""

    def test_what_was_put_comes_out_again(self, storage: Storage, source: Source) -> None:
        data = os.urandom(100_000)
        path = source(data)
        storage.put(KEY, path, size=len(data))
        assert not path.exists()
        with storage.open(KEY) as file:
            assert hashlib.sha256(file.read()).digest() == hashlib.sha256(data).digest()
            file.seek(10)
            assert file.read(5) == data[10:15]
        assert storage.size(KEY) == len(data)

    def test_a_key_is_written_once(self, storage: Storage, source: Source) -> None:
        storage.put(KEY, source(b"first"), size=5)
        second = source(b"other")
        with pytest.raises(FileExistsError):
            storage.put(KEY, second, size=5)
        with storage.open(KEY) as file:
            assert file.read() == b"first"
        assert second.exists()

    def test_a_source_of_another_length_is_refused(self, storage: Storage, source: Source) -> None:
        with pytest.raises(Truncated):
            storage.put(KEY, source(b"short"), size=6)
        with pytest.raises(MissingObject):
            storage.size(KEY)

    def test_a_missing_key_says_so_and_deleting_it_is_fine(self, storage: Storage) -> None:
        with pytest.raises(MissingObject):
            storage.open(KEY)
        with pytest.raises(MissingObject):
            storage.size(KEY)
        storage.delete(KEY)

    def test_a_deleted_key_is_gone(self, storage: Storage, source: Source) -> None:
        storage.put(KEY, source(b"x"), size=1)
        storage.delete(KEY)
        assert list(storage.keys()) == []
        with pytest.raises(MissingObject):
            storage.open(KEY)

    def test_keys_lists_what_starts_with_the_prefix(self, storage: Storage, source: Source) -> None:
        names = ["uploads/2026/11/20/a.png", "uploads/2026/11/21/b.png", "thumbnails/2026/11/20/a.thumb.webp"]
        for name in names:
            storage.put(name, source(b"x"), size=1)
        assert sorted(storage.keys("uploads/")) == names[:2]
        assert sorted(storage.keys("uploads/2026/11/2")) == names[:2]
        assert sorted(storage.keys("thumbnails/")) == names[2:]
        assert list(storage.keys("uploads/2025/")) == []

    @pytest.mark.parametrize(
        "key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a/.b", "a\\b", "a\0b", "a b", "é", "a" * 201]
    )
    def test_a_key_never_leaves_its_place(self, storage: Storage, key: str) -> None:
        with pytest.raises(BadName):
            storage.open(key)
        with pytest.raises(BadName):
            check_key(key)

    def test_of_many_that_put_one_key_at_once_one_succeeds(self, storage: Storage, source: Source) -> None:
        sources = [source(bytes([number])) for number in range(16)]
        won: list[int] = []

        def put(number: int) -> None:
            try:
                storage.put(KEY, sources[number], size=1)
                won.append(number)
            except FileExistsError:
                pass

        threads = [threading.Thread(target=put, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        with storage.open(KEY) as file:
            assert file.read() == bytes(won)


def _source(folder: Path) -> Source:
    folder.mkdir(parents=True, exist_ok=True)
    numbers = iter(range(1000))

    def make(data: bytes) -> Path:
        path = folder / f"{next(numbers)}.part"
        path.write_bytes(data)
        return path

    return make


class TestLocalStorage(StorageContract):
    """A folder."""

    @pytest.fixture
    def storage(self, tmp_path: Path) -> LocalStorage:
        return LocalStorage(tmp_path / "data")

    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        return _source(tmp_path / "tmp")

    def test_a_person_can_browse_the_folder_and_nobody_else(self, storage: LocalStorage, source: Source) -> None:
        storage.put(KEY, source(b"x"), size=1)
        path = storage.local_path(KEY)
        assert path == storage.root / "uploads" / "2026" / "11" / "20" / "abc.png"
        assert path is not None
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_a_file_system_without_hard_links_works_too(
        self, storage: LocalStorage, source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, "no hard links here")

        monkeypatch.setattr(os, "link", refuse)
        storage.put(KEY, source(b"x"), size=1)
        with pytest.raises(FileExistsError):
            storage.put(KEY, source(b"y"), size=1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    needs_root()
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=6", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_said_and_leaves_nothing(small_disk: Path) -> None:
    storage = LocalStorage(small_disk)
    source = _source(small_disk / "tmp")(b"x")
    # No inode is left for the folders of the date: the bytes are there, their place cannot be made.
    with pytest.raises(DiskFull):
        storage.put(KEY, source, size=1)
    with pytest.raises(MissingObject):
        storage.size(KEY)
