"""The first tables: people, keys, blobs, uploads, tags, jobs, audit, settings."""

from __future__ import annotations

from peewee import Database

from bulletdrop.core.migrations.script import run_script


def first_tables(database: Database) -> None:
    """People, keys, blobs, uploads, tags, jobs, audit, settings."""
    run_script(database, FIRST_TABLES)


FIRST_TABLES = """
    CREATE TABLE "user" (
        id VARCHAR(22) NOT NULL PRIMARY KEY, username VARCHAR(50) NOT NULL, username_key VARCHAR(50) NOT NULL,
        email VARCHAR(254) NOT NULL, email_key VARCHAR(254) NOT NULL, password_hash TEXT,
        first_name VARCHAR(100) NOT NULL, last_name VARCHAR(100) NOT NULL, bio TEXT NOT NULL,
        avatar_key TEXT, is_admin BOOLEAN NOT NULL, is_active BOOLEAN NOT NULL,
        is_verified BOOLEAN NOT NULL, plan VARCHAR(20) NOT NULL, storage_used BIGINT NOT NULL,
        limits {json} NOT NULL, epoch INTEGER NOT NULL, delete_scheduled_for BIGINT,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL
    );
    CREATE UNIQUE INDEX user_username_key ON "user" (username_key);
    CREATE UNIQUE INDEX user_email_key ON "user" (email_key);
    CREATE TABLE session (
        id VARCHAR(22) NOT NULL PRIMARY KEY, user_id VARCHAR(22) NOT NULL, refresh_hash VARCHAR(64) NOT NULL,
        previous_hash VARCHAR(64), rotated_at BIGINT NOT NULL, epoch INTEGER NOT NULL,
        user_agent VARCHAR(300) NOT NULL, address VARCHAR(64) NOT NULL, created_at BIGINT NOT NULL,
        last_used_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, revoked_at BIGINT,
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE INDEX session_user_id ON session (user_id);
    CREATE UNIQUE INDEX session_refresh_hash ON session (refresh_hash);
    CREATE INDEX session_previous_hash ON session (previous_hash);
    CREATE TABLE api_key (
        id VARCHAR(22) NOT NULL PRIMARY KEY, user_id VARCHAR(22) NOT NULL, name VARCHAR(100) NOT NULL,
        device_name VARCHAR(100), prefix VARCHAR(12) NOT NULL, key_hash VARCHAR(64) NOT NULL,
        scopes {json} NOT NULL, rate_limit_per_hour INTEGER, request_count BIGINT NOT NULL,
        created_at BIGINT NOT NULL, last_used_at BIGINT, expires_at BIGINT, revoked_at BIGINT,
        FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE
    );
    CREATE INDEX api_key_user_id ON api_key (user_id);
    CREATE UNIQUE INDEX api_key_key_hash ON api_key (key_hash);
    CREATE TABLE blob (
        id VARCHAR(22) NOT NULL PRIMARY KEY, sha256 VARCHAR(64) NOT NULL, size BIGINT NOT NULL,
        mime VARCHAR(100) NOT NULL, ext VARCHAR(10) NOT NULL, key VARCHAR(200) NOT NULL, width INTEGER,
        height INTEGER, frames INTEGER NOT NULL, refs INTEGER NOT NULL, state VARCHAR(10) NOT NULL,
        problem TEXT, placeholder VARCHAR(64), created_at BIGINT NOT NULL
    );
    CREATE UNIQUE INDEX blob_sha256 ON blob (sha256);
    CREATE UNIQUE INDEX blob_key ON blob (key);
    CREATE TABLE upload (
        id VARCHAR(22) NOT NULL PRIMARY KEY, slug VARCHAR(40) NOT NULL, owner_id VARCHAR(22) NOT NULL,
        blob_id VARCHAR(22) NOT NULL, filename VARCHAR(255) NOT NULL, original_filename VARCHAR(255) NOT NULL,
        title VARCHAR(200) NOT NULL, custom_name VARCHAR(100), custom_key VARCHAR(100),
        is_public BOOLEAN NOT NULL, expires_at BIGINT, source VARCHAR(20) NOT NULL,
        idempotency_key VARCHAR(200), created_at BIGINT NOT NULL, trashed_at BIGINT,
        FOREIGN KEY (owner_id) REFERENCES "user" (id) ON DELETE CASCADE,
        FOREIGN KEY (blob_id) REFERENCES blob (id) ON DELETE RESTRICT
    );
    CREATE UNIQUE INDEX upload_slug ON upload (slug);
    CREATE INDEX upload_owner_id ON upload (owner_id);
    CREATE INDEX upload_blob_id ON upload (blob_id);
    CREATE UNIQUE INDEX upload_custom_key ON upload (custom_key);
    CREATE INDEX upload_expires_at ON upload (expires_at);
    CREATE INDEX upload_trashed_at ON upload (trashed_at);
    CREATE UNIQUE INDEX upload_owner_id_idempotency_key ON upload (owner_id, idempotency_key);
    CREATE INDEX upload_owner_id_created_at_id ON upload (owner_id, created_at, id);
    CREATE INDEX upload_owner_id_filename ON upload (owner_id, filename);
    CREATE TABLE upload_tag (
        upload_id VARCHAR(22) NOT NULL, tag VARCHAR(50) NOT NULL, PRIMARY KEY (upload_id, tag),
        FOREIGN KEY (upload_id) REFERENCES upload (id) ON DELETE CASCADE
    );
    CREATE INDEX upload_tag_upload_id ON upload_tag (upload_id);
    CREATE INDEX upload_tag_tag ON upload_tag (tag);
    CREATE TABLE job (
        id VARCHAR(22) NOT NULL PRIMARY KEY, kind VARCHAR(40) NOT NULL, subject VARCHAR(200) NOT NULL,
        attempts INTEGER NOT NULL, due_at BIGINT NOT NULL, held_until BIGINT, error TEXT,
        created_at BIGINT NOT NULL
    );
    CREATE INDEX job_due_at ON job (due_at);
    CREATE UNIQUE INDEX job_kind_subject ON job (kind, subject);
    CREATE TABLE job_run (
        id VARCHAR(22) NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL, started_at BIGINT NOT NULL,
        ended_at BIGINT, result TEXT, ok BOOLEAN
    );
    CREATE INDEX job_run_name_started_at ON job_run (name, started_at);
    CREATE TABLE audit (
        id VARCHAR(22) NOT NULL PRIMARY KEY, at BIGINT NOT NULL, actor VARCHAR(22),
        action VARCHAR(60) NOT NULL, subject VARCHAR(200) NOT NULL, address VARCHAR(64) NOT NULL
    );
    CREATE INDEX audit_at ON audit (at);
    CREATE TABLE setting (
        name VARCHAR(60) NOT NULL PRIMARY KEY, value TEXT NOT NULL
    );
"""
