"""An account whose time is over: what it has before, and what must be left of it after, whatever died in between."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import apsw

from tests.faults.product import Product
from tests.faults.samples import png
from tests.faults.tables import query

JOB = "finish-deletions"
# What belongs to a person, by table: none of it may outlive them.
OWNED = ("session", "api_key", "totp", "recovery_code", "passkey", "identity", "ticket", "team_member")


def furnish(product: Product, key: str) -> None:
    """Give alice, who is there, more drops and a session, and bob one with the same bytes; then her time is over."""
    other = product.person("bob")
    with product:
        shared = png(Random(7), 15_000)
        for number, (owner, data) in enumerate(
            [(key, shared), (other, shared), (key, png(Random(8), 9_000)), (other, png(Random(9), 9_000))]
        ):
            status, body = product.put(f"more-{number}.png", data, owner)
            if status != 201:
                raise AssertionError(f"an upload was answered {status}: {body}")
        # The thumbnails are made after the answers.
        time.sleep(1.5)
        product.stop()
    connection = apsw.Connection(str(product.data / "bulletdrop.db"))
    connection.execute("UPDATE \"user\" SET delete_scheduled_for = 1 WHERE username = 'alice'")
    connection.close()


def left_behind(data: Path) -> list[str]:
    """What is wrong after the job ran to its end: anything of alice's that is there, anything of bob's that is not."""
    users = 'SELECT id, username, storage_used FROM "user"'
    uploads = 'SELECT u.username FROM upload JOIN "user" u ON u.id = upload.owner_id'
    people, drops, blobs = query(data, "", users, uploads, "SELECT key, size FROM blob")
    found = []
    if [name for _, name, _ in people] != ["bob"]:
        found.append(f"there are {people}, not bob alone")
    if [name for (name,) in drops] != ["bob", "bob"]:
        found.append(f"there are drops of {drops}, not two of bob's")
    kept = {str(key) for key, _ in blobs}
    lying = {path.relative_to(data).as_posix() for path in (data / "uploads").rglob("*") if path.is_file()}
    if not kept <= lying:
        found.append(f"bytes are missing: {kept - lying}")
    bob = {str(people[0][0])} if people else set()
    for table in OWNED:
        (rows,) = query(data, "", f"SELECT user_id FROM {table}")
        if strangers := {str(row[0]) for row in rows} - bob:
            found.append(f"{table} still has rows of {strangers}")
    return found
