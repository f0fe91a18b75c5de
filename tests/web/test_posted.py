"""Pages that say what was done, ask first, and know whom they speak to; over HTTP."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.browser import browser, signed_in


def test_an_error_page_does_not_offer_signing_in_to_who_is_signed_in(shared: Server) -> None:
    with signed_in(shared, "alice") as alice:
        answer = alice.get("/there/is/no/such/page")
    assert answer.status_code == 404
    assert "/signin" not in answer.text
    assert "To your gallery" in answer.text


def test_an_error_page_offers_signing_in_to_a_stranger(shared: Server) -> None:
    with browser(shared) as stranger:
        answer = stranger.get("/there/is/no/such/page")
    assert answer.status_code == 404
    assert 'href="/signin"' in answer.text
    assert "To your gallery" not in answer.text


def test_the_menu_leads_admins_to_the_administration_and_others_not(shared: Server) -> None:
    with signed_in(shared, "alice") as alice:
        text = alice.get("/").text
        assert 'href="/account"' in text
        assert 'href="/admin"' in text
    with signed_in(shared, "charlie") as charlie:
        text = charlie.get("/").text
        assert 'href="/account"' in text
        assert 'href="/admin"' not in text


def test_who_is_signed_in_is_not_told_that_a_page_of_the_admins_may_be_a_drop_of_theirs(shared: Server) -> None:
    with signed_in(shared, "bob") as client:
        for path in ("/admin", "/admin/domains"):
            page = client.get(path)
            assert page.status_code == 403
            assert "as its owner" not in page.text
