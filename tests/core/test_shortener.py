"""Short links where they are kept: names by domain, ends by the clock, blocked owners, two who want one name."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.drops import uploads
from bulletdrop.core.models import Domain, Name, ShortLink, User, UserDomain
from bulletdrop.core.names import urls
from bulletdrop.core.names.places import Place
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import shortener
from bulletdrop.core.sharing.targets import taken_apart
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, Invalid, NameReserved, NameTaken, NotFound
from tests.core.drops_kit import keep

FAR = "https://example.org/"


def make(site: Site, caller: Caller, url: str = FAR, **wishes: object) -> ShortLink:
    return shortener.shorten(site, caller, url, **wishes).short  # type: ignore[arg-type]


def a_domain(site: Site, name: str, *people: Caller) -> Domain:
    """A domain that some people have claimed."""
    domain: Domain = Domain.create(name=name, created_at=site.clock.now())
    for person in people:
        UserDomain.create(user=person.user_id, domain=domain, created_at=site.clock.now())
    return domain


def test_a_domains_link_is_found_on_its_domain_and_its_name_nowhere_else(
    site: Site, alice: Caller, bob: Caller
) -> None:
    domain = a_domain(site, "go.example", alice)
    there = Place(kind="domain", domain_key=domain.id, host="go.example")
    hers = make(site, alice, domain="go.example", custom_name="menu")
    his = make(site, bob, custom_name="menu")
    assert urls.short_url(site, hers).partition("://")[2].startswith("go.example")
    assert shortener.find_short(site, "menu", place=there).id == hers.id
    assert shortener.find_short(site, "menu").id == his.id
    assert shortener.find_short(site, hers.slug).id == hers.id
    for name in (his.slug, "nothing"):
        with pytest.raises(NotFound):
            shortener.find_short(site, name, place=there)
    with pytest.raises(NotFound):
        shortener.find_short(site, his.slug, place=Place(kind="content"))
    with pytest.raises(Invalid, match="not among yours"):
        make(site, bob, domain="go.example")


def test_a_link_that_changes_its_domain_takes_its_name_along(site: Site, alice: Caller) -> None:
    domain = a_domain(site, "go.example", alice)
    link = make(site, alice, custom_name="menu")
    changed = shortener.change_short(site, alice, link.id, {"domain": "go.example"})
    there = Place(kind="domain", domain_key=domain.id, host="go.example")
    assert changed.domain is not None
    assert shortener.find_short(site, "menu", place=there).id == link.id
    with pytest.raises(NotFound):
        shortener.find_short(site, "menu")


def test_links_lead_in_no_circle_on_domains_and_by_way_of_dots(site: Site, alice: Caller) -> None:
    domain = a_domain(site, "share.example", alice)
    Domain.update(is_wildcard=True).where(Domain.id == domain.id).execute()
    make(site, alice, "https://share.example/two", custom_name="one", domain="share.example")
    base = urls.public_base(site.config)
    for url in ("https://share.example/one", "https://alice.share.example/%6Fne", "http://share.example:8080/x/../one"):
        with pytest.raises(Invalid, match="itself"):
            make(site, alice, url, custom_name="two", domain="share.example")
    for url in (f"{base}/x/../three", f"{base}/./three"):
        with pytest.raises(Invalid, match="itself"):
            make(site, alice, url, custom_name="three")
    # The same name elsewhere is another link's.
    make(site, alice, f"{base}/four", custom_name="four", domain="share.example")
    make(site, alice, "https://share.example/two", custom_name="two")


def test_what_is_over_is_not_found_and_what_is_to_come_is(site: Site, clock: ManualClock, alice: Caller) -> None:
    link = make(site, alice, expires_at=clock.now() + timedelta(hours=1))
    assert shortener.find_short(site, link.slug).id == link.id
    clock.advance(hours=1)
    with pytest.raises(NotFound):
        shortener.find_short(site, link.slug)
    with pytest.raises(Invalid):
        make(site, alice, expires_at=clock.now())
    shortener.change_short(site, alice, link.id, {"expires_at": None})
    assert shortener.find_short(site, link.slug).id == link.id


def test_links_of_somebody_who_is_blocked_lead_nowhere(site: Site, alice: Caller) -> None:
    link = make(site, alice)
    User.update(is_active=False).where(User.id == alice.user_id).execute()
    with pytest.raises(NotFound):
        shortener.find_short(site, link.slug)


def test_short_links_and_drops_share_their_names(site: Site, alice: Caller, bob: Caller) -> None:
    keep(site, alice, custom_name="taken")
    make(site, alice, custom_name="lead")
    with pytest.raises(NameTaken):
        make(site, bob, custom_name="Taken")
    with pytest.raises(NameTaken):
        keep(site, bob, custom_name="lead")
    with pytest.raises(NameReserved):
        make(site, bob, custom_name="paste")
    his = keep(site, bob)
    with pytest.raises(NameTaken):
        uploads.change_upload(site, bob, his.id, {"custom_name": "lead"})


def test_a_deleted_link_frees_its_name_and_one_that_is_switched_off_keeps_it(
    site: Site, alice: Caller, bob: Caller
) -> None:
    link = make(site, alice, custom_name="menu")
    shortener.change_short(site, alice, link.id, {"revoked": True})
    with pytest.raises(NameTaken):
        make(site, bob, custom_name="menu")
    shortener.delete_short(site, alice, link.id)
    assert not Name.select().exists()
    assert make(site, bob, custom_name="menu").custom_name == "menu"


def test_one_of_two_who_want_a_name_at_once_gets_it(site: Site, alice: Caller, bob: Caller) -> None:
    for number in range(10):
        line = threading.Barrier(2)

        def wants(caller: Caller, name: str = f"n{number}", line: threading.Barrier = line) -> object:
            line.wait()
            try:
                with using(site.db):
                    return make(site, caller, custom_name=name).id
            except BulletDropError as error:
                return type(error)
            finally:
                site.db.close()

        with ThreadPoolExecutor(2) as threads:
            outcomes = list(threads.map(wants, (alice, bob)))
        assert sorted(isinstance(one, str) for one in outcomes) == [False, True]
        assert NameTaken in outcomes


@pytest.mark.parametrize(
    ("url", "host", "readable", "port", "rest"),
    [
        ("https://example.org/a?b#c", "example.org", "", "", "/a?b#c"),
        ("https://xn--bcher-kva.example:8443/", "xn--bcher-kva.example", "bücher.example", ":8443", "/"),
        ("http://[::1]:80/x", "[::1]", "", ":80", "/x"),
        ("https://xn--.example/", "xn--.example", "", "", "/"),
    ],
)
def test_an_address_comes_apart_into_what_a_page_shows(
    url: str, host: str, readable: str, port: str, rest: str
) -> None:
    parts = taken_apart(url)
    assert (parts.host, parts.readable, parts.port, parts.rest) == (host, readable, port, rest)
    assert f"{parts.scheme}{parts.host}{parts.port}{parts.rest}" == url
