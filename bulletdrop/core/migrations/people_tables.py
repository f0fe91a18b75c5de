"""The tables for people who join: second factors, identities, tickets, invites, teams, plans, usage, mail."""

from __future__ import annotations

from peewee import Database

from bulletdrop.core.database import is_sqlite
from bulletdrop.core.migrations.script import run_script
from bulletdrop.core.shapes import email_shape, username_shape

_MB, _GB = 1024**2, 1024**3

# Uploads a day, requests an hour, storage, bandwidth a month, largest file: seed 002's table; it names no file sizes.
_PLANS: tuple[tuple[str, str, int | None, int | None, int | None, int | None, int | None], ...] = (
    ("home", "Home", None, None, None, None, None),
    ("free", "Free", 100, 1_000, 1 * _GB, 10 * _GB, 25 * _MB),
    ("pro", "Pro", 1_000, 5_000, 50 * _GB, 500 * _GB, 250 * _MB),
    ("enterprise", "Enterprise", 10_000, 20_000, 500 * _GB, 5_000 * _GB, 1 * _GB),
)


def people_tables(database: Database) -> None:
    """Everything of accounts beyond a name and a password."""
    run_script(database, _TABLES)
    _fill_shapes(database)
    run_script(
        database,
        """
        CREATE UNIQUE INDEX user_username_shape ON "user" (username_shape);
        CREATE UNIQUE INDEX user_email_shape ON "user" (email_shape)
        """,
    )
    mark = "?" if is_sqlite(database) else "%s"
    for plan in _PLANS:
        database.execute_sql(
            "INSERT INTO plan (name, title, uploads_per_day, requests_per_hour, storage, bandwidth_per_month,"
            f" max_file_size) VALUES ({', '.join([mark] * 7)})",
            plan,
        )


def _fill_shapes(database: Database) -> None:
    """Give the accounts that are there their shapes. Two that look alike were allowed before: both stay."""
    mark = "?" if is_sqlite(database) else "%s"
    rows = database.execute_sql('SELECT id, username, email FROM "user" ORDER BY created_at, id').fetchall()
    names: set[str] = set()
    emails: set[str] = set()
    for user_id, username, email in rows:
        name, address = username_shape(username), email_shape(email)
        name = f"{name}#{user_id}" if name in names else name
        address = f"{address}#{user_id}" if address in emails else address
        names.add(name)
        emails.add(address)
        database.execute_sql(
            f'UPDATE "user" SET username_shape = {mark}, email_shape = {mark} WHERE id = {mark}',
            (name, address, user_id),
        )


_TABLES = """
    ALTER TABLE "user" ADD COLUMN username_shape VARCHAR(100) NOT NULL DEFAULT '';
    ALTER TABLE "user" ADD COLUMN email_shape VARCHAR(300) NOT NULL DEFAULT '';
    ALTER TABLE "user" ADD COLUMN display_name VARCHAR(100) NOT NULL DEFAULT '';
    ALTER TABLE "user" ADD COLUMN silent_until BIGINT;
    CREATE INDEX user_delete_scheduled_for ON "user" (delete_scheduled_for);
    ALTER TABLE session ADD COLUMN method VARCHAR(40) NOT NULL DEFAULT 'password';
    ALTER TABLE api_key ADD COLUMN last_address VARCHAR(64) NOT NULL DEFAULT '';
    ALTER TABLE audit ADD COLUMN category VARCHAR(10) NOT NULL DEFAULT 'act';
    ALTER TABLE audit ADD COLUMN detail TEXT NOT NULL DEFAULT '';
    ALTER TABLE audit ADD COLUMN user_agent VARCHAR(300) NOT NULL DEFAULT '';
    CREATE INDEX audit_category_at ON audit (category, at);
    CREATE TABLE totp (
        user_id VARCHAR(22) NOT NULL PRIMARY KEY, secret TEXT NOT NULL, last_step BIGINT NOT NULL,
        created_at BIGINT NOT NULL, confirmed_at BIGINT,
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE TABLE recovery_code (
        id VARCHAR(22) NOT NULL PRIMARY KEY, user_id VARCHAR(22) NOT NULL, code_hash VARCHAR(64) NOT NULL,
        created_at BIGINT NOT NULL, used_at BIGINT,
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE INDEX recovery_code_user_id ON recovery_code (user_id);
    CREATE TABLE passkey (
        id VARCHAR(22) NOT NULL PRIMARY KEY, user_id VARCHAR(22) NOT NULL, credential_id TEXT NOT NULL,
        public_key TEXT NOT NULL, sign_count BIGINT NOT NULL, transports {json} NOT NULL, name VARCHAR(100) NOT NULL,
        is_backed_up BOOLEAN NOT NULL, created_at BIGINT NOT NULL, last_used_at BIGINT,
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE INDEX passkey_user_id ON passkey (user_id);
    CREATE UNIQUE INDEX passkey_credential_id ON passkey (credential_id);
    CREATE TABLE identity (
        id VARCHAR(22) NOT NULL PRIMARY KEY, user_id VARCHAR(22) NOT NULL, provider VARCHAR(40) NOT NULL,
        issuer VARCHAR(300) NOT NULL, subject VARCHAR(255) NOT NULL, email VARCHAR(254) NOT NULL,
        name VARCHAR(100) NOT NULL, created_at BIGINT NOT NULL, last_used_at BIGINT,
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE INDEX identity_user_id ON identity (user_id);
    CREATE UNIQUE INDEX identity_issuer_subject ON identity (issuer, subject);
    CREATE UNIQUE INDEX identity_user_id_provider ON identity (user_id, provider);
    CREATE TABLE ticket (
        id VARCHAR(22) NOT NULL PRIMARY KEY, purpose VARCHAR(30) NOT NULL, secret_hash VARCHAR(64) NOT NULL,
        user_id VARCHAR(22), data {json} NOT NULL, tries INTEGER NOT NULL, created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL, FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE UNIQUE INDEX ticket_secret_hash ON ticket (secret_hash);
    CREATE INDEX ticket_user_id ON ticket (user_id);
    CREATE INDEX ticket_expires_at ON ticket (expires_at);
    CREATE TABLE invite (
        id VARCHAR(22) NOT NULL PRIMARY KEY, code VARCHAR(40) NOT NULL, note VARCHAR(200) NOT NULL,
        email VARCHAR(254) NOT NULL, plan VARCHAR(20), uses INTEGER NOT NULL, uses_left INTEGER NOT NULL,
        created_by_id VARCHAR(22), created_at BIGINT NOT NULL, expires_at BIGINT, revoked_at BIGINT,
        FOREIGN KEY (created_by_id) REFERENCES "user" (id) ON DELETE SET NULL
    );
    CREATE UNIQUE INDEX invite_code ON invite (code);
    CREATE INDEX invite_created_by_id ON invite (created_by_id);
    CREATE TABLE pairing (
        id VARCHAR(22) NOT NULL PRIMARY KEY, device_hash VARCHAR(64) NOT NULL, user_code VARCHAR(12) NOT NULL,
        device_name VARCHAR(100) NOT NULL, scopes {json} NOT NULL, address VARCHAR(64) NOT NULL,
        user_agent VARCHAR(300) NOT NULL, interval INTEGER NOT NULL, created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL, polled_at BIGINT, user_id VARCHAR(22), approved_at BIGINT, denied_at BIGINT,
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE UNIQUE INDEX pairing_device_hash ON pairing (device_hash);
    CREATE UNIQUE INDEX pairing_user_code ON pairing (user_code);
    CREATE INDEX pairing_user_id ON pairing (user_id);
    CREATE INDEX pairing_expires_at ON pairing (expires_at);
    CREATE TABLE plan (
        name VARCHAR(20) NOT NULL PRIMARY KEY, title VARCHAR(50) NOT NULL, uploads_per_day INTEGER,
        requests_per_hour INTEGER, storage BIGINT, bandwidth_per_month BIGINT, max_file_size BIGINT
    );
    CREATE TABLE team (
        id VARCHAR(22) NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, slug VARCHAR(50) NOT NULL,
        slug_key VARCHAR(50) NOT NULL, plan VARCHAR(20) NOT NULL, limits {json} NOT NULL,
        storage_used BIGINT NOT NULL, delete_scheduled_for BIGINT, silent_until BIGINT,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
    );
    CREATE UNIQUE INDEX team_slug_key ON team (slug_key);
    CREATE INDEX team_delete_scheduled_for ON team (delete_scheduled_for);
    CREATE TABLE team_member (
        team_id VARCHAR(22) NOT NULL, user_id VARCHAR(22) NOT NULL, role VARCHAR(10) NOT NULL,
        joined_at BIGINT NOT NULL, PRIMARY KEY (team_id, user_id),
        FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE,
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE INDEX team_member_team_id ON team_member (team_id);
    CREATE INDEX team_member_user_id ON team_member (user_id);
    CREATE TABLE team_invite (
        id VARCHAR(22) NOT NULL PRIMARY KEY, team_id VARCHAR(22) NOT NULL, code VARCHAR(40) NOT NULL,
        role VARCHAR(10) NOT NULL, email VARCHAR(254) NOT NULL, created_by_id VARCHAR(22),
        created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
        FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE,
        FOREIGN KEY (created_by_id) REFERENCES "user" (id) ON DELETE SET NULL
    );
    CREATE UNIQUE INDEX team_invite_code ON team_invite (code);
    CREATE INDEX team_invite_team_id ON team_invite (team_id);
    CREATE INDEX team_invite_created_by_id ON team_invite (created_by_id);
    CREATE TABLE usage (
        account VARCHAR(22) NOT NULL, day INTEGER NOT NULL, uploads INTEGER NOT NULL, views INTEGER NOT NULL,
        bytes_served BIGINT NOT NULL, api_requests INTEGER NOT NULL, PRIMARY KEY (account, day)
    );
    CREATE TABLE hold (
        id VARCHAR(22) NOT NULL PRIMARY KEY, account VARCHAR(22) NOT NULL, size BIGINT NOT NULL,
        created_at BIGINT NOT NULL
    );
    CREATE INDEX hold_account ON hold (account);
    CREATE INDEX hold_created_at ON hold (created_at);
    CREATE TABLE mail (
        id VARCHAR(22) NOT NULL PRIMARY KEY, user_id VARCHAR(22), purpose VARCHAR(30) NOT NULL,
        recipient VARCHAR(254) NOT NULL, subject VARCHAR(200) NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL,
        link TEXT NOT NULL, error TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE INDEX mail_user_id ON mail (user_id);
    CREATE INDEX mail_expires_at ON mail (expires_at);
    ALTER TABLE upload ADD COLUMN team_id VARCHAR(22) REFERENCES team (id) ON DELETE RESTRICT;
    CREATE INDEX upload_team_id ON upload (team_id);
    CREATE INDEX upload_team_id_created_at_id ON upload (team_id, created_at, id);
    ALTER TABLE upload ADD COLUMN hidden_at BIGINT;
    ALTER TABLE upload ADD COLUMN removed_at BIGINT;
    CREATE INDEX upload_created_at_id ON upload (created_at, id);
"""
