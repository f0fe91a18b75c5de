"""After a secret burned, nothing of it is anywhere: plaintext, keys and ciphertext are looked for in every file."""

from __future__ import annotations

import base64
import json
import os
import secrets as randomness
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from bulletdrop.core.sharing import master
from tests.support.needs import unavailable
from tests.support.server import Server

PASSPHRASE = "quagga-passphrase-71"


class Canaries:
    """What must not be found any more, by name, as bytes."""

    def __init__(self) -> None:
        self.words: dict[str, bytes] = {}

    def add(self, name: str, content: bytes, *, everywhere: bool = True) -> None:
        """Look for these bytes, and for how texts write them."""
        self.words[name] = content
        if everywhere:
            self.words[f"{name} in hex"] = content.hex().encode()
            self.words[f"{name} in base64"] = base64.b64encode(content).rstrip(b"=")
            self.words[f"{name} in base64url"] = base64.urlsafe_b64encode(content).rstrip(b"=")

    def found_in(self, *folders: Path, but: str = "-") -> list[str]:
        """Every hit: what, in which file."""
        hits = []
        for path in (path for folder in folders for path in _files(folder)):
            content = path.read_bytes()
            hits += [
                f"{name} in {path.name}"
                for name, word in self.words.items()
                if word in content and not name.startswith(but)
            ]
        return hits


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_file():
        yield folder
    for path in folder.rglob("*"):
        # What Postgres or a job removes meanwhile is gone; sockets and pipes are no files.
        if path.is_file() and os.access(path, os.R_OK):
            yield path


def _make(server: Server, canaries: Canaries) -> dict[str, Any]:
    text, content = f"text {randomness.token_hex(24)}", randomness.token_bytes(150_000)
    canaries.add("text", text.encode())
    canaries.add("name", b"okapi-plans.bin")
    canaries.add("passphrase", PASSPHRASE.encode())
    for at in (0, 70_000, 149_950):
        canaries.add(f"file at {at}", content[at : at + 48], everywhere=False)
    answer = server.alice.post(
        "/api/v1/secrets",
        data={"content": text, "passphrase": PASSPHRASE, "expires_at": "1d"},
        files={"file": ("okapi-plans.bin", content)},
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    made["content"], made["text"] = content, text
    return made


def _note_keys(server: Server, rows: list[tuple[str, str]], secret_id: str, canaries: Canaries) -> None:
    """The data key, as the master key of this moment unwraps it; its wrapped form; and all of the ciphertext."""
    ((key_id, wrapped),) = rows
    rows_of_file = json.loads((server.data / "master.key").read_text())["keys"]
    keys = [master.MasterKey(row["id"], bytes.fromhex(row["key"])) for row in rows_of_file]
    canaries.add("data key", master.unwrap(keys, key_id, wrapped, about=secret_id))
    canaries.add("wrapped key", wrapped.encode(), everywhere=False)
    for path in _files(server.data / "secrets"):
        sealed = path.read_bytes()
        for at in range(8, len(sealed) - 40, 9_973):
            canaries.add(f"cipher {path.name[:6]} at {at}", sealed[at : at + 32], everywhere=at == 8)


def _query(url: str, data: Path, statement: str) -> list[Any]:
    if url:
        import psycopg

        with psycopg.connect(url) as connection:
            return list(connection.execute(statement))
    file = apsw.Connection(str(data / "bulletdrop.db"))
    try:
        return list(file.execute(statement))
    finally:
        file.close()


def _open(server: Server, made: dict[str, Any], canaries: Canaries) -> None:
    """Open it as somebody without an account, and fetch its file."""
    path = f"/api/v1/secrets/{made['id']}"
    wrong = server.anonymous.post(f"{path}/open", json={"passphrase": "another"})
    assert wrong.status_code == 401
    opened = server.anonymous.post(f"{path}/open", json={"passphrase": PASSPHRASE}).json()
    assert (opened["content"], opened["views_left"]) == (made["text"], 0)
    canaries.add("pass", opened["pass"][:60].encode(), everywhere=False)
    got = server.anonymous.post(f"{path}/files/1", json={"pass": opened["pass"]})
    assert got.content == made["content"]
    _until_gone(server)
    assert server.anonymous.post(f"{path}/open", json={"passphrase": PASSPHRASE}).status_code == 410


def _until_gone(server: Server) -> None:
    """The file's bytes are destroyed after its last byte went out."""
    deadline = time.monotonic() + 30
    while list(_files(server.data / "secrets")) and time.monotonic() < deadline:
        time.sleep(0.05)


def test_after_the_burn_nothing_is_found_in_the_data_folder_the_log_and_a_backup_on_sqlite(
    make_server: Any, tmp_path: Path
) -> None:
    server, canaries = make_server(BULLETDROP_LOG_LEVEL="debug"), Canaries()
    made = _make(server, canaries)
    where = f"FROM secret WHERE id = '{made['id']}'"
    _note_keys(server, _query("", server.data, f"SELECT key_id, wrapped_key {where}"), made["id"], canaries)
    # The search finds what there is to find.
    before = canaries.found_in(server.data)
    assert any(hit.startswith("cipher") for hit in before)
    assert any(hit.startswith("wrapped key") for hit in before)
    assert not any(hit.startswith(("text", "file", "data key", "name")) for hit in before)
    _open(server, made, canaries)
    assert canaries.found_in(server.data, server.log) == []
    backup = tmp_path / "backup.db"
    _query("", server.data, f"VACUUM INTO '{backup}'")
    assert backup.stat().st_size > 50_000
    assert canaries.found_in(backup) == []
    server.stop()
    assert canaries.found_in(server.data, server.log) == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_after_the_burn_nothing_is_found_in_the_folders_the_log_and_a_dump_on_postgres(
    make_server: Any, tmp_path: Path, database_url: str
) -> None:
    server, canaries = make_server(BULLETDROP_DATABASE_URL=database_url), Canaries()
    made = _make(server, canaries)
    where = f"FROM secret WHERE id = '{made['id']}'"
    _note_keys(server, _query(database_url, server.data, f"SELECT key_id, wrapped_key {where}"), made["id"], canaries)
    ((cluster,),) = _query(database_url, server.data, "SHOW data_directory")
    _open(server, made, canaries)
    assert canaries.found_in(server.data, server.log) == []
    # Postgres keeps old rows in its own log for a while: a wrapped key, which opens nothing any more, is let be there.
    if os.access(cluster, os.R_OK):
        assert canaries.found_in(Path(cluster), but="wrapped key") == []
    dump = tmp_path / "dump.sql"
    program = shutil.which("pg_dump") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_dump")), None)
    if program is None:
        unavailable("no pg_dump: package postgresql-client")
    subprocess.run([str(program), "--file", str(dump), database_url], check=True, timeout=150)
    assert canaries.found_in(dump) == []


def test_what_goes_wrong_says_nothing_of_what_was_sent(make_server: Any) -> None:
    server, canaries = make_server(BULLETDROP_LOG_LEVEL="debug"), Canaries()
    canaries.add("text", b"axolotl-canary-text")
    bodies = (b'{"content": "axolotl-canary-text"', b'{"content": ["axolotl-canary-text"]}', b'"axolotl-canary-text"')
    typed = {"Content-Type": "application/json"}
    wrong = [server.alice.post("/api/v1/secrets", content=body, headers=typed) for body in bodies]
    wrong.append(server.alice.post("/api/v1/secrets", json={"content": "axolotl-canary-text", "max_views": 0}))
    wrong.append(server.alice.post("/api/v1/secrets", json={"content": "axolotl-canary-text", "team": "none"}))
    wrong.append(server.alice.post("/api/v1/secrets", data={"content": "axolotl-canary-text"}, files={"x": ("a", b"")}))
    (server.data / "master.key").write_text("damaged")
    wrong.append(server.alice.post("/api/v1/secrets", json={"content": "axolotl-canary-text"}))
    assert [answer.status_code for answer in wrong] == [400, 400, 400, 400, 404, 400, 503]
    assert not any("axolotl" in answer.text for answer in wrong)
    assert canaries.found_in(server.data, server.log) == []
