"""The README's examples with curl do what their comments say, against a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from tests.house.readme import README
from tests.support.needs import requires
from tests.support.pictures import screenshot
from tests.support.server import Server

FIELDS = {
    "id", "slug", "url", "direct_url", "thumbnail_url", "deletion_url", "filename", "original_filename", "mime_type",
    "size", "sha256", "width", "height", "is_public", "expires_at", "created_at",
}


def examples() -> list[str]:
    """The curl commands of the README, one a line, without their comments."""
    text = README.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [re.sub(r"\s{2,}# .*", "", line) for line in lines if line.startswith("curl ")]


def run(example: str, folder: Path, **environ: str) -> tuple[int, str]:
    """Run one example as a person would. Returns the answer's status, and what came before it."""
    command = f"{example} -s -w '\\n%{{http_code}}'"
    shell = ["sh", "-c", command]
    done = subprocess.run(
        shell, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, check=True
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def test_every_curl_example_gives_the_status_its_comment_promises(server: Server, tmp_path: Path) -> None:
    requires("curl")
    (tmp_path / "shot.png").write_bytes(screenshot(11))
    key = server.alice.headers["Authorization"].removeprefix("Bearer ")

    uploads = [run(example, tmp_path, URL=server.url, KEY=key) for example in examples()[:3]]
    assert [status for status, _ in uploads] == [201, 201, 201]
    drop = json.loads(uploads[0][1])
    assert FIELDS - set(drop) == set()

    tag = server.anonymous.head(drop["direct_url"]).headers["ETag"]
    looks = [run(example, tmp_path, DIRECT_URL=drop["direct_url"], ETAG=tag) for example in examples()[3:7]]
    assert [status for status, _ in looks] == [200, 304, 206, 200]
    assert (tmp_path / "part").read_bytes() == screenshot(11)[:1000]

    told = {"URL": server.url, "KEY": key, "ID": drop["id"]}
    shared, link, secret = examples()[7:]
    status, body = run(shared, tmp_path, **told)
    assert status == 201
    assert run(link, tmp_path, **told, LINK=json.loads(body)["url"])[0] == 200
    status, body = run(secret, tmp_path, **told)
    assert status == 201
    opened = server.anonymous.post(f"/api/v1/secrets/{json.loads(body)['id']}/open", json={}).json()
    assert opened["content"] == "the door code is 4711"
