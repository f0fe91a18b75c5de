"""What terms on drops cost those that have none: nothing. Finding and opening one asks the database once."""

from __future__ import annotations

import logging

import pytest

from bulletdrop.core.drops import pictures
from bulletdrop.core.drops.found import find_by_id, find_public
from bulletdrop.core.models import Upload
from bulletdrop.core.site import Site
from bulletdrop.web.files import _find_and_open
from tests.core.drops_kit import keep, person


def queries(caplog: pytest.LogCaptureFixture) -> int:
    """How often the database was asked since the log was cleared."""
    return sum(record.name == "peewee" for record in caplog.records)


@pytest.fixture
def drop(site: Site) -> Upload:
    """A small picture that was looked at before."""
    made = keep(site, person(site, "alice"))
    pictures.ensure_decoded(site, made.blob, wait_seconds=30)
    return find_by_id(site, made.id)


def test_an_open_drop_is_found_and_opened_with_one_query(
    site: Site, drop: Upload, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "peewee"):
        for find, args in ((find_by_id, (drop.id,)), (find_public, (drop.slug, drop.blob.ext))):
            caplog.clear()
            _, prepared = _find_and_open(site, find, args, {}, None, False)
            assert prepared is not None
            assert prepared.public
            assert queries(caplog) == 1


@pytest.mark.parametrize("terms", [{"password_hash": "x"}, {"max_views": 5}, {"is_public": False}])
def test_a_drop_with_terms_is_not_opened_before_its_visitor_is_let_in(
    site: Site, drop: Upload, terms: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    Upload.update(**terms).where(Upload.id == drop.id).execute()
    with caplog.at_level(logging.DEBUG, "peewee"):
        caplog.clear()
        _, prepared = _find_and_open(site, find_by_id, (drop.id,), {}, None, False)
        assert prepared is None
        assert queries(caplog) == 1
