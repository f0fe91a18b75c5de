"""An account whose password hash an import brought is refused after the same time as a name that nobody has."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable

import bcrypt
import pytest

from tests.support.server import PASSWORD, Server
from tests.web.test_sign_in_timing import KNOWN, NO_BRAKE, by_api, refused


@pytest.mark.alone
def test_imported_and_unknown_names_are_refused_after_the_same_time(make_server: Callable[..., Server]) -> None:
    server = make_server(**NO_BRAKE)
    server.key_of(KNOWN)
    stored = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(8)).decode()
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db")) as database, database:
        assert database.execute("UPDATE user SET password_hash = ? WHERE username = ?", (stored, KNOWN)).rowcount == 1
    # As wide as for accounts that were made here: by chance alone it scatters by 0.029.
    assert 0.4 < refused(server, by_api, 200) < 0.6
