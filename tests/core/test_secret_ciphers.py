"""A secret's ciphertext opens whole or not at all; the master key can be exchanged, and killed while it is."""

from __future__ import annotations

import io
import json
import stat
from dataclasses import replace

import pytest

from bulletdrop.core.models import Audit, Secret
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import master
from bulletdrop.core.sharing.secrets.ciphers import FRAME, Sealer, new_key, opened
from bulletdrop.core.sharing.secrets.rotating import rotate_master_key
from bulletdrop.core.site import Site
from bulletdrop.errors import BadConfig, Conflict, Unavailable
from tests.core.secrets_kit import TEXT, make, open_

KEY = new_key()
SIZES = (0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 3 * FRAME + 5)


def seal(content: bytes, *, step: int = 10_000, about: str = "id", place: int = 1, key: bytes = KEY) -> bytes:
    sealer = Sealer(key, about=about, place=place)
    parts = [sealer.update(content[at : at + step]) for at in range(0, len(content), step)]
    return b"".join(parts) + sealer.finish()


def read(sealed: bytes, *, about: str = "id", place: int = 1, key: bytes = KEY) -> bytes:
    return b"".join(opened(io.BytesIO(sealed), key, about=about, place=place))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("step", [7_000, FRAME, 5 * FRAME])
def test_what_is_sealed_opens_however_it_came(size: int, step: int) -> None:
    content = bytes(at % 251 for at in range(size))
    assert read(seal(content, step=step)) == content


@pytest.mark.parametrize("size", SIZES[1:])
def test_what_was_cut_off_changed_or_moved_does_not_open(size: int) -> None:
    sealed = seal(bytes(size))
    whole = FRAME + 16
    frames = [sealed[8 + at : 8 + at + whole] for at in range(0, len(sealed) - 8, whole)]
    wrong = {
        "cut by a byte": sealed[:-1],
        "cut at a frame": sealed[:8] + b"".join(frames[:-1]),
        "nothing": b"",
        "head alone": sealed[:8],
        "a bit": sealed[:-20] + bytes([sealed[-20] ^ 1]) + sealed[-19:],
        "more behind": sealed + b"x",
        "a frame twice": sealed[:8] + frames[0] + b"".join(frames),
        "another version": b"\x02" + sealed[1:],
    }
    if len(frames) > 2:
        wrong["frames changed places"] = sealed[:8] + frames[1] + frames[0] + b"".join(frames[2:])
    for name, content in wrong.items():
        with pytest.raises(Unavailable):
            pytest.fail(f"{name} opened: {read(content)[:20]!r}")


def test_it_opens_for_its_own_secret_place_and_key_alone() -> None:
    sealed = seal(b"content")
    for other in ({"about": "other"}, {"place": 2}, {"key": new_key()}):
        with pytest.raises(Unavailable):
            read(sealed, **other)
    assert seal(b"content") != sealed


def test_the_master_key_is_made_once_and_for_its_owner_alone(site: Site, alice: Caller) -> None:
    assert not (site.config.data / master.FILE).exists()
    make(site, alice)
    path = site.config.data / master.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert master.master_keys(site) == master.master_keys(site)
    assert "key=" not in repr(master.master_keys(site))
    path.write_text("{}")
    with pytest.raises(Unavailable):
        make(site, alice)


def test_a_rotation_wraps_every_key_anew_and_destroys_the_old_one(site: Site, alice: Caller) -> None:
    before, burned = make(site, alice), make(site, alice)
    open_(site, burned)
    (old,) = master.master_keys(site)
    assert rotate_master_key(site) == 1
    (new,) = master.master_keys(site)
    assert new.id != old.id
    assert old.key.hex() not in (site.config.data / master.FILE).read_text()
    assert [row.key_id for row in Secret.select().where(Secret.wrapped_key != "")] == [new.id]
    assert Secret.get_by_id(burned.id).wrapped_key == ""
    assert open_(site, before).text == TEXT
    assert Audit.select().where(Audit.action == "secret.rotate-key").count() == 1


def test_a_rotation_that_was_killed_is_taken_up_where_it_was(site: Site, alice: Caller) -> None:
    made = [make(site, alice) for _ in range(3)]
    with master.rotation(site) as keys:
        # The new key is in the file, one row is wrapped with it, and then the process dies.
        row = Secret.get_by_id(made[0].id)
        data_key = master.unwrap(keys, row.key_id, row.wrapped_key, about=row.id)
        key_id, wrapped = master.wrap(keys, data_key, about=row.id)
        Secret.update(key_id=key_id, wrapped_key=wrapped).where(Secret.id == row.id).execute()
    left = site.config.data / ".master.key.dead.tmp"
    left.write_text("keys")
    assert len(master.master_keys(site)) == 2
    later = make(site, alice)
    assert later.key_id == keys[0].id
    assert rotate_master_key(site) == 2
    assert [key.id for key in master.master_keys(site)] == [keys[0].id]
    assert not left.exists()
    assert [open_(site, each).text for each in (*made, later)] == [TEXT] * 4


def test_only_one_rotation_runs_and_none_destroys_a_key_that_is_needed(site: Site, alice: Caller) -> None:
    make(site, alice)
    with master.rotation(site), pytest.raises(Unavailable), master.rotation(site):
        pass
    Secret.update(key_id="unknown").execute()
    with pytest.raises(Unavailable):
        rotate_master_key(site)
    assert len(master.master_keys(site)) == 2


def test_a_master_key_that_a_setting_gives_is_used_and_exchanged_by_it(site: Site, alice: Caller) -> None:
    old, new = "ab" * 32, "cd" * 32
    site.live.config = replace(site.live.config, master_key=old)
    secret = make(site, alice)
    assert not (site.config.data / master.FILE).exists()
    with pytest.raises(Conflict):
        rotate_master_key(site)
    site.live.config = replace(site.live.config, master_key=f"{new}, {old}")
    assert rotate_master_key(site) == 1
    site.live.config = replace(site.live.config, master_key=new)
    assert open_(site, secret).text == TEXT
    for wrong in ("x", "ab" * 31, ","):
        site.live.config = replace(site.live.config, master_key=wrong)
        with pytest.raises(BadConfig):
            master.master_keys(site)


def test_the_file_says_which_key_is_which(site: Site, alice: Caller) -> None:
    make(site, alice)
    rows = json.loads((site.config.data / master.FILE).read_text())["keys"]
    assert [row["id"] for row in rows] == [key.id for key in master.master_keys(site)]
