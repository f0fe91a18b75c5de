"""The table for what devices hold ready, and what an account says about it."""

from __future__ import annotations

from peewee import Database

from bulletdrop.core.migrations.script import run_script


def desk_tables(database: Database) -> None:
    """Slugs that are handed out before their bytes; and of keys, for whom they were made."""
    run_script(database, _TABLES)


_TABLES = """
    CREATE TABLE reservation (
        slug VARCHAR(40) NOT NULL PRIMARY KEY, owner_id VARCHAR(22) NOT NULL, device VARCHAR(22) NOT NULL,
        store VARCHAR(40) NOT NULL, domain_id VARCHAR(22), is_named BOOLEAN NOT NULL, created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        ended_at BIGINT, ended_code VARCHAR(40) NOT NULL, problem TEXT NOT NULL,
        FOREIGN KEY (owner_id) REFERENCES "user" (id) ON DELETE CASCADE,
        FOREIGN KEY (domain_id) REFERENCES domain (id) ON DELETE SET NULL
    );
    CREATE INDEX reservation_owner_id ON reservation (owner_id);
    CREATE INDEX reservation_device ON reservation (device);
    CREATE INDEX reservation_domain_id ON reservation (domain_id);
    CREATE INDEX reservation_expires_at ON reservation (expires_at);
    ALTER TABLE "user" ADD COLUMN names_arrivals BOOLEAN NOT NULL DEFAULT FALSE;
    ALTER TABLE api_key ADD COLUMN client VARCHAR(20);
    ALTER TABLE api_key ADD COLUMN user_agent VARCHAR(300) NOT NULL DEFAULT ''
"""
