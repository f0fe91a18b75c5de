"""Files for other people's clients, on both databases: whose key they hold, its name, and when there is none."""

from __future__ import annotations

import pytest

from bulletdrop.core.models import User
from bulletdrop.core.people import accounts, clients, keys, sessions
from bulletdrop.core.people.clients import KINDS
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound, NotSignedIn, RevokedKey


def person(site: Site, name: str) -> User:
    """Somebody with an account."""
    return accounts.create_user(site, username=name, email=f"{name}@example.org", password="correct horse battery")


def test_a_file_holds_the_key_that_is_listed_and_revoked(site: Site) -> None:
    alice = person(site, "alice")
    bob = person(site, "bob")
    key, file = clients.make_client(site, alice, "sharex.sxcu", device="desk")
    plain = file.key
    assert plain in file.text
    assert plain not in repr(file)
    caller = keys.check_key(site, plain)
    assert (caller.user_id, caller.scopes) == (alice.id, frozenset(KINDS["sharex"].scopes))
    keys.create_key(site, alice, name="ShareX (by hand)", scopes=["uploads:write"])
    assert [row.id for row in clients.list_client_keys(site, alice.id)] == [key.id]
    assert clients.list_client_keys(site, bob.id) == []
    keys.change_key(site, alice.id, key.id, name="something else")
    assert [row.name for row in clients.list_client_keys(site, alice.id)] == ["something else"]
    keys.revoke_key(site, alice.id, key.id)
    assert clients.list_client_keys(site, alice.id) == []
    with pytest.raises(RevokedKey):
        keys.check_key(site, plain)


def test_without_a_device_it_is_named_after_the_day(site: Site) -> None:
    alice = person(site, "alice")
    key, file = clients.make_client(site, alice, "sharex")
    assert key.name == "ShareX (download of 2026-11-20)"
    assert "BulletDrop (download of 2026-11-20)" in file.text


def test_no_key_outlives_the_session_that_asked_for_it(site: Site) -> None:
    alice = person(site, "alice")
    tokens = sessions.open_session(site, alice, user_agent="", address="")
    session = sessions.check_access(site, tokens.access_token).session_id
    assert session is not None
    sessions.revoke_session(site, alice.id, session)
    with pytest.raises(NotSignedIn):
        clients.make_client(site, alice, "curl", session_id=session)
    assert clients.list_client_keys(site, alice.id) == []


def test_what_there_is_not_leaves_no_key(site: Site) -> None:
    alice = person(site, "alice")
    with pytest.raises(NotFound):
        clients.make_client(site, alice, "nothing")
    for device in ("x" * 61, "a\x00b", "a\u202eb"):
        with pytest.raises(Invalid):
            clients.make_client(site, alice, "curl", device=device)
    assert keys.list_keys(site, alice.id) == []


def test_no_name_gets_out_of_its_place_in_a_file(site: Site) -> None:
    alice = person(site, "alice")
    for kind in KINDS.values():
        _, file = clients.make_client(site, alice, kind.name, device="@KEY@ '; rm -rf / #\" $(id)")
        # A comment, or a text of JSON: the key stands where it belongs and nowhere else.
        assert file.text.count(file.key) == 1, kind.name
