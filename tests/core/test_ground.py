"""Settings, clock, log lines and database connections: the ground that everything stands on."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletdrop import log
from bulletdrop.clock import parse_expiry, parse_moment, rfc3339
from bulletdrop.config import SETTINGS, Config, load_config
from bulletdrop.core.database import assert_sqlite, open_database
from bulletdrop.errors import BadConfig, Unavailable


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('port = 1\nhost = "a"\npublic_url = "https://file.example/"\n')
    config = load_config({"data": tmp_path, "port": 3}, environ={"BULLETDROP_PORT": "2", "BULLETDROP_HOST": "b"})
    assert (config.port, config.host, config.public_url) == (3, "b", "https://file.example")


def test_a_key_that_does_not_exist_names_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("max_fil_size = 1\n")
    with pytest.raises(BadConfig, match="max_file_size"):
        load_config({"data": tmp_path}, environ={})
    with pytest.raises(BadConfig, match=r"BULLETDROP_PUBLIC_ULR.*public_url"):
        load_config({"data": tmp_path / "none"}, environ={"BULLETDROP_PUBLIC_ULR": "x"})


def test_a_secret_is_read_from_the_file_that_name_file_names(tmp_path: Path) -> None:
    secret = tmp_path / "db-url"
    secret.write_text("postgresql://a:b@c/d\n")
    config = load_config({"data": tmp_path}, environ={"BULLETDROP_DATABASE_URL_FILE": str(secret)})
    assert config.database_url == "postgresql://a:b@c/d"
    (tmp_path / "config.toml").write_text(f'secret_key_file = "{secret}"\n')
    assert load_config({"data": tmp_path}, environ={}).secret_key == "postgresql://a:b@c/d"
    with pytest.raises(BadConfig, match="cannot be read"):
        load_config({"data": tmp_path}, environ={"BULLETDROP_TOKEN_FILE": str(tmp_path / "missing")})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("port", "eighty", "whole number"), ("port", "-1", "at least 0"), ("max_file_size", "0", "at least 1")],
)
def test_a_value_that_does_not_fit_is_refused_in_words(tmp_path: Path, name: str, value: str, message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        load_config({"data": tmp_path}, environ={f"BULLETDROP_{name.upper()}": value})


def test_every_setting_has_a_help_sentence_and_a_default_of_its_type() -> None:
    for setting in SETTINGS:
        assert setting.help.endswith("."), setting.name
    # One field is no setting: which of them somebody gave.
    assert len(SETTINGS) == len(Config.__dataclass_fields__) - 1


def test_lists_come_from_the_environment_with_commas_and_from_the_file_as_lists(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('accepted_types = ["png", "gif"]\n')
    assert load_config({"data": tmp_path}, environ={}).accepted_types == ("png", "gif")
    environ = {"BULLETDROP_ACCEPTED_TYPES": "png, jpeg,"}
    assert load_config({"data": tmp_path}, environ=environ).accepted_types == ("png", "jpeg")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer bd_0123456789abcdefghij",
        'password="hunter2hunter2"',
        "refresh_token=0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.0123456789abcdef",
        "postgresql://me:hunter2hunter2@host/name",
    ],
)
def test_a_secret_never_reaches_a_log_line(text: str) -> None:
    masked = log.mask(f"before {text} after")
    assert "***" in masked
    assert not any(word in masked for word in ("hunter2", "0123456789abcdef"))


def test_a_log_line_is_one_json_object_with_the_request_id() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log.JsonLines())
    logger = logging.Logger("bulletdrop.tests")  # noqa: LOG001 - one that nobody else has
    logger.addHandler(handler)
    token = log.request_id.set("r-1")
    try:
        logger.info("two\nlines", extra={"size": 3, "key": "bd_0123456789abcdef"})
    finally:
        log.request_id.reset(token)
    (line,) = stream.getvalue().splitlines()
    read = json.loads(line)
    assert (read["noun"], read["message"], read["size"], read["request_id"]) == ("tests", "two\nlines", 3, "r-1")
    assert "0123456789" not in line


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001
def test_a_time_written_and_read_is_the_same_to_the_millisecond(moment: datetime) -> None:
    read = parse_moment(rfc3339(moment))
    assert timedelta(0) <= moment - read < timedelta(milliseconds=1)


def test_an_expiry_is_a_span_a_date_or_a_time() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert parse_expiry("7d", now=now) == now + timedelta(days=7)
    assert parse_expiry("90m", now=now) == now + timedelta(minutes=90)
    assert parse_expiry("2026-12-01", now=now) == datetime(2026, 12, 1, tzinfo=UTC)
    assert parse_expiry("2026-12-01T10:00:00+02:00", now=now) == datetime(2026, 12, 1, 8, tzinfo=UTC)
    for bad in ("soon", "7", "2026-13-01", "2026-12-01T10:00:00"):
        with pytest.raises(ValueError):
            parse_expiry(bad, now=now)


def test_an_sqlite_that_can_corrupt_its_file_is_refused_at_start() -> None:
    assert_sqlite()
    with pytest.raises(Unavailable, match=r"3\.40\.1"):
        assert_sqlite("3.40.1")


def test_a_database_url_that_is_no_postgres_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="postgresql://"):
        open_database(load_config({"data": tmp_path}, environ={"BULLETDROP_DATABASE_URL": "mysql://x/y"}))
