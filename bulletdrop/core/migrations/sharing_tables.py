"""The tables for what is shared: domains, names, albums, links, requests for files, short links, secrets."""

from __future__ import annotations

from peewee import Database

from bulletdrop.core.database import is_sqlite
from bulletdrop.core.migrations.script import run_script
from bulletdrop.core.models import new_id


def sharing_tables(database: Database) -> None:
    """Everything of sharing beyond a drop and its slug. Custom names move from the drops into a table of their own."""
    run_script(database, _TABLES)
    mark = "?" if is_sqlite(database) else "%s"
    rows = database.execute_sql("SELECT id, custom_key, created_at FROM upload WHERE custom_key IS NOT NULL").fetchall()
    for upload_id, key, created_at in rows:
        database.execute_sql(
            "INSERT INTO name (id, domain_key, key, stem, upload_id, created_at)"
            f" VALUES ({mark}, '', {mark}, {mark}, {mark}, {mark})",
            (new_id(), key, key.partition(".")[0], upload_id, created_at),
        )
    run_script(database, "DROP INDEX upload_custom_key; ALTER TABLE upload DROP COLUMN custom_key")


_TABLES = """
    CREATE TABLE domain (
        id VARCHAR(22) NOT NULL PRIMARY KEY, name VARCHAR(253) NOT NULL, display_name VARCHAR(100) NOT NULL,
        description TEXT NOT NULL, is_available BOOLEAN NOT NULL, is_premium BOOLEAN NOT NULL, is_wildcard
        BOOLEAN NOT NULL, max_file_size BIGINT, created_at BIGINT NOT NULL
    );
    CREATE UNIQUE INDEX domain_name ON domain (name);
    CREATE TABLE user_domain (
        user_id VARCHAR(22) NOT NULL, domain_id VARCHAR(22) NOT NULL, is_primary BOOLEAN NOT NULL, is_own_host
        BOOLEAN NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (user_id, domain_id),
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE,
        FOREIGN KEY (domain_id) REFERENCES domain (id) ON DELETE CASCADE
    );
    CREATE INDEX user_domain_user_id ON user_domain (user_id);
    CREATE INDEX user_domain_domain_id ON user_domain (domain_id);
    CREATE TABLE album (
        id VARCHAR(22) NOT NULL PRIMARY KEY, slug VARCHAR(40) NOT NULL, owner_id VARCHAR(22) NOT NULL, team_id
        VARCHAR(22), title VARCHAR(200) NOT NULL, description TEXT NOT NULL, cover_id VARCHAR(22), sort
        VARCHAR(10) NOT NULL, is_public BOOLEAN NOT NULL, password_hash TEXT, max_views INTEGER, views INTEGER
        NOT NULL, last_viewed_at BIGINT, expires_at BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT
        NULL,
        FOREIGN KEY (owner_id) REFERENCES "user" (id) ON DELETE CASCADE,
        FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE,
        FOREIGN KEY (cover_id) REFERENCES upload (id) ON DELETE SET NULL
    );
    CREATE UNIQUE INDEX album_slug ON album (slug);
    CREATE INDEX album_owner_id ON album (owner_id);
    CREATE INDEX album_team_id ON album (team_id);
    CREATE INDEX album_cover_id ON album (cover_id);
    CREATE INDEX album_expires_at ON album (expires_at);
    CREATE INDEX album_owner_id_created_at_id ON album (owner_id, created_at, id);
    CREATE TABLE album_item (
        album_id VARCHAR(22) NOT NULL, upload_id VARCHAR(22) NOT NULL, position BIGINT NOT NULL, added_at BIGINT
        NOT NULL, PRIMARY KEY (album_id, upload_id),
        FOREIGN KEY (album_id) REFERENCES album (id) ON DELETE CASCADE,
        FOREIGN KEY (upload_id) REFERENCES upload (id) ON DELETE CASCADE
    );
    CREATE INDEX album_item_album_id ON album_item (album_id);
    CREATE INDEX album_item_upload_id ON album_item (upload_id);
    CREATE INDEX album_item_album_id_position ON album_item (album_id, position);
    CREATE TABLE share_link (
        id VARCHAR(22) NOT NULL PRIMARY KEY, token VARCHAR(40) NOT NULL, owner_id VARCHAR(22) NOT NULL,
        upload_id VARCHAR(22), album_id VARCHAR(22), note VARCHAR(200) NOT NULL, password_hash TEXT, max_views
        INTEGER, views INTEGER NOT NULL, last_viewed_at BIGINT, expires_at BIGINT, revoked_at BIGINT,
        idempotency_key VARCHAR(200), created_at BIGINT NOT NULL,
        FOREIGN KEY (owner_id) REFERENCES "user" (id) ON DELETE CASCADE,
        FOREIGN KEY (upload_id) REFERENCES upload (id) ON DELETE CASCADE,
        FOREIGN KEY (album_id) REFERENCES album (id) ON DELETE CASCADE
    );
    CREATE UNIQUE INDEX share_link_token ON share_link (token);
    CREATE INDEX share_link_owner_id ON share_link (owner_id);
    CREATE INDEX share_link_upload_id ON share_link (upload_id);
    CREATE INDEX share_link_album_id ON share_link (album_id);
    CREATE INDEX share_link_expires_at ON share_link (expires_at);
    CREATE INDEX share_link_owner_id_created_at_id ON share_link (owner_id, created_at, id);
    CREATE UNIQUE INDEX share_link_owner_id_idempotency_key ON share_link (owner_id, idempotency_key);
    CREATE TABLE upload_request (
        id VARCHAR(22) NOT NULL PRIMARY KEY, token VARCHAR(40) NOT NULL, owner_id VARCHAR(22) NOT NULL, album_id
        VARCHAR(22) NOT NULL, title VARCHAR(200) NOT NULL, message TEXT NOT NULL, password_hash TEXT, max_files
        INTEGER, max_bytes BIGINT, max_file_size BIGINT, files INTEGER NOT NULL, bytes BIGINT NOT NULL,
        last_used_at BIGINT, expires_at BIGINT, revoked_at BIGINT, created_at BIGINT NOT NULL,
        FOREIGN KEY (owner_id) REFERENCES "user" (id) ON DELETE CASCADE,
        FOREIGN KEY (album_id) REFERENCES album (id) ON DELETE CASCADE
    );
    CREATE UNIQUE INDEX upload_request_token ON upload_request (token);
    CREATE INDEX upload_request_owner_id ON upload_request (owner_id);
    CREATE INDEX upload_request_album_id ON upload_request (album_id);
    CREATE INDEX upload_request_expires_at ON upload_request (expires_at);
    CREATE INDEX upload_request_owner_id_created_at_id ON upload_request (owner_id, created_at, id);
    CREATE TABLE short_link (
        id VARCHAR(22) NOT NULL PRIMARY KEY, slug VARCHAR(40) NOT NULL, owner_id VARCHAR(22) NOT NULL, domain_id
        VARCHAR(22), custom_name VARCHAR(100), url TEXT NOT NULL, title VARCHAR(200) NOT NULL, asks_first
        BOOLEAN NOT NULL, password_hash TEXT, max_views INTEGER, views INTEGER NOT NULL, last_viewed_at BIGINT,
        expires_at BIGINT, revoked_at BIGINT, idempotency_key VARCHAR(200), created_at BIGINT NOT NULL,
        FOREIGN KEY (owner_id) REFERENCES "user" (id) ON DELETE CASCADE,
        FOREIGN KEY (domain_id) REFERENCES domain (id) ON DELETE SET NULL
    );
    CREATE UNIQUE INDEX short_link_slug ON short_link (slug);
    CREATE INDEX short_link_owner_id ON short_link (owner_id);
    CREATE INDEX short_link_domain_id ON short_link (domain_id);
    CREATE INDEX short_link_expires_at ON short_link (expires_at);
    CREATE INDEX short_link_owner_id_created_at_id ON short_link (owner_id, created_at, id);
    CREATE UNIQUE INDEX short_link_owner_id_idempotency_key ON short_link (owner_id, idempotency_key);
    CREATE TABLE name (
        id VARCHAR(22) NOT NULL PRIMARY KEY, domain_key VARCHAR(22) NOT NULL, key VARCHAR(100) NOT NULL,
        stem VARCHAR(100) NOT NULL, upload_id VARCHAR(22), short_id VARCHAR(22), until BIGINT, created_at
        BIGINT NOT NULL,
        FOREIGN KEY (upload_id) REFERENCES upload (id) ON DELETE CASCADE,
        FOREIGN KEY (short_id) REFERENCES short_link (id) ON DELETE CASCADE
    );
    CREATE INDEX name_upload_id ON name (upload_id);
    CREATE INDEX name_short_id ON name (short_id);
    CREATE INDEX name_until ON name (until);
    CREATE INDEX name_stem ON name (stem);
    CREATE UNIQUE INDEX name_domain_key_key ON name (domain_key, key);
    CREATE TABLE secret (
        id VARCHAR(22) NOT NULL PRIMARY KEY, owner_id VARCHAR(22) NOT NULL, team_id VARCHAR(22), mode
        VARCHAR(10) NOT NULL, note VARCHAR(200) NOT NULL, key_id VARCHAR(22) NOT NULL, wrapped_key TEXT NOT
        NULL, passphrase_hash TEXT, max_views INTEGER, views INTEGER NOT NULL, last_viewed_at BIGINT, size
        BIGINT NOT NULL, file_count INTEGER NOT NULL, expires_at BIGINT, burned_at BIGINT, idempotency_key
        VARCHAR(200), created_at BIGINT NOT NULL,
        FOREIGN KEY (owner_id) REFERENCES "user" (id) ON DELETE CASCADE,
        FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE
    );
    CREATE INDEX secret_owner_id ON secret (owner_id);
    CREATE INDEX secret_team_id ON secret (team_id);
    CREATE INDEX secret_expires_at ON secret (expires_at);
    CREATE INDEX secret_burned_at ON secret (burned_at);
    CREATE INDEX secret_owner_id_created_at_id ON secret (owner_id, created_at, id);
    CREATE UNIQUE INDEX secret_owner_id_idempotency_key ON secret (owner_id, idempotency_key);
    CREATE TABLE secret_part (
        id VARCHAR(22) NOT NULL PRIMARY KEY, secret_id VARCHAR(22) NOT NULL, place INTEGER NOT NULL, key
        VARCHAR(200) NOT NULL, size BIGINT NOT NULL,
        FOREIGN KEY (secret_id) REFERENCES secret (id) ON DELETE CASCADE
    );
    CREATE INDEX secret_part_secret_id ON secret_part (secret_id);
    CREATE UNIQUE INDEX secret_part_key ON secret_part (key);
    CREATE TABLE secret_access (
        id VARCHAR(22) NOT NULL PRIMARY KEY, secret_id VARCHAR(22) NOT NULL, at BIGINT NOT NULL, address
        VARCHAR(64) NOT NULL, user_agent VARCHAR(300) NOT NULL, outcome VARCHAR(10) NOT NULL,
        FOREIGN KEY (secret_id) REFERENCES secret (id) ON DELETE CASCADE
    );
    CREATE INDEX secret_access_secret_id ON secret_access (secret_id);
    CREATE INDEX secret_access_secret_id_at ON secret_access (secret_id, at);
    ALTER TABLE "user" ADD COLUMN slug_style VARCHAR(10) NOT NULL DEFAULT 'random';
    ALTER TABLE "user" ADD COLUMN link_ending BOOLEAN NOT NULL DEFAULT FALSE;
    ALTER TABLE "user" ADD COLUMN hotlink VARCHAR(10) NOT NULL DEFAULT 'off';
    ALTER TABLE "user" ADD COLUMN hotlink_hosts {json} NOT NULL DEFAULT '[]';
    ALTER TABLE "user" ADD COLUMN embed_color VARCHAR(7) NOT NULL DEFAULT '';
    ALTER TABLE usage ADD COLUMN secrets INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE upload ADD COLUMN domain_id VARCHAR(22) REFERENCES domain (id) ON DELETE SET NULL;
    CREATE INDEX upload_domain_id ON upload (domain_id);
    ALTER TABLE upload ADD COLUMN description TEXT NOT NULL DEFAULT '';
    ALTER TABLE upload ADD COLUMN language VARCHAR(40) NOT NULL DEFAULT '';
    ALTER TABLE upload ADD COLUMN password_hash TEXT;
    ALTER TABLE upload ADD COLUMN max_views INTEGER;
    ALTER TABLE upload ADD COLUMN views INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE upload ADD COLUMN last_viewed_at BIGINT;
    ALTER TABLE upload ADD COLUMN was_public BOOLEAN;
"""
