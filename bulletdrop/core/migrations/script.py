"""Runs the statements of a migration on either database."""

from __future__ import annotations

import re

from peewee import Database

from bulletdrop.core.database import is_sqlite


def run_script(database: Database, script: str) -> None:
    """Run statements that both databases read; `{json}` is the type that each keeps JSON in."""
    json_type = "TEXT" if is_sqlite(database) else "JSONB"
    for statement in script.replace("{json}", json_type).split(";"):
        if statement.strip():
            database.execute_sql(re.sub(r"\s+", " ", statement.strip()))
