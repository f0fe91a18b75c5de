"""Settings that the admin changes while the server runs: checked, kept, and left alone where a file gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulletdrop.config import load_config
from bulletdrop.core.database import using
from bulletdrop.core.models import Audit
from bulletdrop.core.settings import change_settings, given_by, live_settings
from bulletdrop.core.site import Site, close_site, open_site
from bulletdrop.errors import BadConfig


def test_a_change_holds_at_once_and_is_taken_back(site: Site) -> None:
    change_settings(site, {"registration": "Invite", "trash_days": 7}, actor="a")
    assert (site.config.registration, site.config.trash_days) == ("invite", 7)
    assert {one.setting.name for one in live_settings(site) if one.is_changed} == {"registration", "trash_days"}
    change_settings(site, {"trash_days": None})
    assert site.config.trash_days == 30
    rows = Audit.select().where(Audit.action == "setting.change").order_by(Audit.at, Audit.id)
    assert sorted((row.subject, row.detail, row.category) for row in rows) == [
        ("registration", "invite", "admin"),
        ("trash_days", "7", "admin"),
        ("trash_days", "default", "admin"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("registration", "perhaps"),
        ("trash_days", -1),
        ("trash_days", 10**12),
        ("audit_days", 0),
        ("audit_days", 10**12),
        ("slug_length", 41),
        ("slug_length", 5),
        ("max_file_size", 2**60),
        ("max_file_size", True),
        ("max_files_per_request", "many"),
        ("accepted_types", ["png", "exe"]),
        ("accepted_types", []),
        ("site_name", " "),
        ("site_name", "x" * 101),
        ("site_name", "a\nb"),
        ("port", 1),
        ("no_such", 1),
    ],
)
def test_a_value_that_does_not_fit_changes_nothing(site: Site, name: str, value: object) -> None:
    with pytest.raises(BadConfig) as refused:
        change_settings(site, {"site_name": "Home", name: value})
    assert refused.value.field == name
    assert site.config.site_name == "BulletDrop"
    assert not [one for one in live_settings(site) if one.is_changed]


def test_what_a_file_or_the_environment_gives_stays_as_it_is_and_says_where(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "config.toml").write_text('site_name = "Ours"\n', encoding="utf-8")
    environ = {"BULLETDROP_TRASH_DAYS": "3"}
    site = open_site(load_config({"data": data}, environ=environ))
    with using(site.db):
        shown = {one.setting.name: one for one in live_settings(site)}
        assert (shown["site_name"].given_by, shown["site_name"].value) == ("config.toml", "Ours")
        assert given_by(site, shown["trash_days"].setting, environ=environ) == "BULLETDROP_TRASH_DAYS"
        assert (shown["registration"].given_by, shown["registration"].is_given) == (None, False)
        for name in ("site_name", "trash_days"):
            with pytest.raises(BadConfig, match="Change it there"):
                change_settings(site, {name: None})
    close_site(site)


def test_every_setting_that_changes_at_run_time_has_bounds(site: Site) -> None:
    numbers = [one.setting for one in live_settings(site) if one.setting.type == "int"]
    assert numbers
    assert [row.name for row in numbers if row.least is None or row.most is None] == []
