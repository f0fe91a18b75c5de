"""Migrations: an empty or older database becomes today's, once, under a lock, after a backup."""

from __future__ import annotations

import threading
from pathlib import Path

import apsw
import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.config import load_config
from bulletdrop.core import migrations
from bulletdrop.core.database import is_sqlite, open_database, using
from bulletdrop.core.models import MODELS, database_proxy
from bulletdrop.core.site import Site
from bulletdrop.errors import Unavailable


def test_the_migrations_give_exactly_the_tables_of_the_models(site: Site) -> None:
    for model in MODELS:
        table = model._meta.table_name
        columns = {column.name: column.null for column in site.db.get_columns(table)}
        assert columns == {field.column_name: field.null for field in model._meta.sorted_fields}, table
        made = {(tuple(index.columns), index.unique) for index in site.db.get_indexes(table)}
        for index in model._meta.fields_to_index():
            names = tuple(part.column_name for part in index._expressions)
            assert (names, bool(index._unique)) in made, (table, names)


def test_migrating_twice_does_nothing(site: Site, clock: ManualClock) -> None:
    assert migrations.migrate(site.db, now=clock.now()) == 0


def test_a_database_of_a_newer_program_is_refused(site: Site, clock: ManualClock) -> None:
    site.db.execute_sql("INSERT INTO migration (number, name, applied_at) VALUES (99, 'later', 0)")
    with pytest.raises(Unavailable, match="newer"):
        migrations.migrate(site.db, now=clock.now())


@pytest.mark.parametrize("database_url", ["sqlite", "empty postgres"], indirect=True)
def test_eight_that_migrate_at_once_give_one_schema(tmp_path: Path, database_url: str, clock: ManualClock) -> None:
    environ = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    database = open_database(load_config({"data": tmp_path}, environ=environ))
    database_proxy.initialize(database)
    ran: list[int] = []
    errors: list[BaseException] = []

    def migrate() -> None:
        try:
            with using(database):
                ran.append(migrations.migrate(database, now=clock.now()))
        except BaseException as error:
            errors.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=migrate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert max(ran) == len(migrations.MIGRATIONS)
    assert sum(ran) == len(migrations.MIGRATIONS)


def test_an_sqlite_file_is_backed_up_before_it_is_changed(site: Site, clock: ManualClock, tmp_path: Path) -> None:
    if not is_sqlite(site.db):
        return
    site.db.execute_sql("INSERT INTO setting (name, value) VALUES ('kept', 'yes')")
    later = (*migrations.MIGRATIONS, lambda database: database.execute_sql("ALTER TABLE setting ADD COLUMN extra TEXT"))
    assert migrations.migrate(site.db, now=clock.now(), backups=tmp_path / "backups", steps=later) == 1
    (backup,) = (tmp_path / "backups").iterdir()
    rows = list(apsw.Connection(str(backup)).execute("SELECT value FROM setting WHERE name = 'kept'"))
    assert rows == [("yes",)]
    columns = [row[1] for row in apsw.Connection(str(backup)).execute("PRAGMA table_info(setting)")]
    assert columns == ["name", "value"]


def test_a_migration_that_fails_leaves_the_old_schema(site: Site, clock: ManualClock) -> None:
    def half(database: object) -> None:
        site.db.execute_sql("ALTER TABLE setting ADD COLUMN half TEXT")
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError):
        migrations.migrate(site.db, now=clock.now(), steps=(*migrations.MIGRATIONS, half))
    assert [column.name for column in site.db.get_columns("setting")] == ["name", "value"]
    assert migrations.migrate(site.db, now=clock.now()) == 0
