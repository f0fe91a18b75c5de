"""Domains: names in one spelling, who may claim which, and links that follow them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bulletdrop.config import load_config
from bulletdrop.core.models import Audit, Domain, Upload, User, UserDomain
from bulletdrop.core.names import domain_list, domains, urls
from bulletdrop.core.names.known import known
from bulletdrop.core.names.spelling import check_name, own_label, shown_name
from bulletdrop.core.people.accounts import create_user
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import BadConfig, Forbidden, Invalid, NameTaken, NotFound, TooBig
from tests.core.drops_kit import keep
from tests.core.sign_in_kit import at_once

BY = By(None)


def person(site: Site, name: str, **values: object) -> User:
    user = create_user(site, username=name, email=f"{name}@example.org", password="correct horse battery")
    if values:
        User.update(values).where(User.id == user.id).execute()
    found: User = User.get_by_id(user.id)
    return found


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Share.Example.ORG", "share.example.org"),
        ("share.example.org.", "share.example.org"),
        (" bücher.example ", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("ｗｉｄｅ.example", "wide.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_has_one_spelling(text: str, kept: str) -> None:
    assert check_name(text) == kept
    assert check_name(shown_name(kept)) == kept


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "example", "https://share.example", "share.example:8484", "share.example/x", "a_b.example", "-a.b",
        "a..example", "127.0.0.1", "[::1]", "::1", "1.2.3.4.", "a" * 64 + ".example", "a." * 130 + "example",
        "☕.example", "xn--zzzz.example", "a\0.example", "exa mple.org", "1.2", "a.b@c.example", "*.example.org",
    ],
)  # fmt: skip
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_name(text)
    assert refused.value.field == "name"


def test_a_star_before_a_domain_is_answered_with_the_box_for_it(site: Site) -> None:
    with pytest.raises(Invalid, match=r"as wild\.example, without the star, and tick Wildcard") as refused:
        domain_list.add_domain(site, BY, {"name": " *.wild.example"})
    assert refused.value.field == "name"


@pytest.mark.parametrize(
    ("name", "label"),
    [("Alice", "alice"), ("a-b", "a-b"), ("a.b", ""), ("a_b", ""), ("ab--c", ""), ("x" * 50, "x" * 50)],
)
def test_only_names_that_can_be_hosts_have_one_of_their_own(name: str, label: str) -> None:
    assert own_label(name) == label


def test_people_claim_what_is_offered_to_them_and_give_it_up(site: Site) -> None:
    free, home = person(site, "frida", plan="free"), person(site, "hanna")
    plain = domain_list.add_domain(site, BY, {"name": "plain.example"})
    premium = domain_list.add_domain(site, BY, {"name": "premium.example", "is_premium": True})
    closed = domain_list.add_domain(site, BY, {"name": "closed.example", "is_available": False})
    assert {one.domain.name: bool(one.refusal) for one in domains.offers(site, free.id)} == {
        "plain.example": False,
        "premium.example": True,
    }
    with pytest.raises(Forbidden):
        domains.claim(site, free.id, premium.id)
    for wrong in (closed.id, "nobody", "\0"):
        with pytest.raises(NotFound):
            domains.claim(site, free.id, wrong)
    assert domains.claim(site, home.id, premium.id).is_claimed
    domains.claim(site, home.id, plain.id)
    domains.claim(site, home.id, plain.id)
    assert UserDomain.select().count() == 2
    assert domains.primary_of(site, home.id) is None
    for one in (plain, premium):
        domains.make_primary(site, home.id, one.id)
        found = domains.primary_of(site, home.id)
        assert found is not None
        assert found.id == one.id
    assert UserDomain.select().where(UserDomain.is_primary).count() == 1
    with pytest.raises(NotFound):
        domains.make_primary(site, free.id, plain.id)
    User.update(plan="free").where(User.id == home.id).execute()
    assert domains.primary_of(site, home.id) is None
    with pytest.raises(Invalid):
        domains.claimed(site, home.id, "premium.example")
    domains.unclaim(site, home.id, premium.id)
    with pytest.raises(NotFound):
        domains.unclaim(site, home.id, premium.id)


def test_where_people_choose_none_nothing_new_is_claimed(site: Site) -> None:
    hanna = person(site, "hanna")
    one = domain_list.add_domain(site, BY, {"name": "one.example"})
    domains.claim(site, hanna.id, one.id)
    two = domain_list.add_domain(site, BY, {"name": "two.example"})
    site.live.config = replace(site.config, user_domains="off")
    with pytest.raises(Forbidden):
        domains.claim(site, hanna.id, two.id)
    domains.make_primary(site, hanna.id, one.id)


def test_a_domain_for_one_drop_is_named_in_any_spelling(site: Site) -> None:
    hanna, other = person(site, "hanna"), person(site, "otto")
    one = domain_list.add_domain(site, BY, {"name": "bücher.example"})
    domains.claim(site, hanna.id, one.id)
    for name in (one.id, "bücher.example", "BÜCHER.example", "xn--bcher-kva.example"):
        assert domains.claimed(site, hanna.id, name).id == one.id
    for user, name in ((other, one.id), (hanna, "nobody.example"), (hanna, "\0"), (hanna, "x" * 400)):
        with pytest.raises(Invalid) as refused:
            domains.claimed(site, user.id, name)
        assert refused.value.field == "domain"


def test_links_are_built_with_domain_and_own_host(site: Site) -> None:
    site.live.config = replace(site.config, public_url="https://drop.example:8443")
    hanna = person(site, "Hanna")
    one = domain_list.add_domain(site, BY, {"name": "wild.example", "is_wildcard": True})
    drop = keep(site, Caller(hanna.id, "Hanna", is_admin=False))
    assert urls.page_url(site, drop) == f"https://drop.example:8443/{drop.slug}"
    domains.claim(site, hanna.id, one.id)
    drop.domain = domains.claimed(site, hanna.id, one.id)
    assert urls.page_url(site, drop) == f"https://wild.example:8443/{drop.slug}"
    assert domains.claim(site, hanna.id, one.id, own_host=True).own_host == "hanna.wild.example"
    drop.domain = domains.claimed(site, hanna.id, one.id)
    assert urls.page_url(site, drop) == f"https://hanna.wild.example:8443/{drop.slug}"
    assert urls.direct_url(site, drop).startswith(f"https://hanna.wild.example:8443/{drop.slug}.")
    drop.is_public = False
    assert urls.page_url(site, drop) == f"https://drop.example:8443/{drop.slug}"


def test_bytes_that_are_everybodys_have_the_files_own_address(site: Site) -> None:
    site.live.config = replace(site.config, public_url="https://drop.example", content_url="https://files.example.net")
    hanna = person(site, "hanna")
    drop = keep(site, Caller(hanna.id, "hanna", is_admin=False))
    assert urls.page_url(site, drop).startswith("https://drop.example/")
    assert urls.direct_url(site, drop).startswith("https://files.example.net/")
    assert urls.thumbnail_url(site, drop).startswith("https://files.example.net/i/")
    for field, value in (("is_public", False), ("password_hash", "x"), ("max_views", 3)):
        setattr(drop, field, value)
        assert urls.direct_url(site, drop).startswith("https://drop.example/"), field
        setattr(drop, field, {"is_public": True}.get(field))


@pytest.mark.parametrize("content", ["https://drop.example", "http://drop.example:81", "https://DROP.example/x"])
def test_the_files_own_address_is_another_host(content: str) -> None:
    with pytest.raises(BadConfig) as refused:
        load_config({"data": "/nonexistent", "public_url": "https://drop.example", "content_url": content}, environ={})
    assert refused.value.field == "content_url"


def test_own_hosts_are_nobody_elses(site: Site) -> None:
    site.live.config = replace(site.config, public_url="https://drop.wild.example")
    one = domain_list.add_domain(site, BY, {"name": "wild.example", "is_wildcard": True})
    drop, odd, hanna = (person(site, name) for name in ("drop", "o.dd", "hanna"))
    for user in (drop, odd):
        with pytest.raises(Invalid):
            domains.claim(site, user.id, one.id, own_host=True)
    domains.claim(site, hanna.id, one.id)
    assert domains.find_owner(site, one.id, "hanna") == hanna.id
    assert domains.find_owner(site, one.id, "drop") is None
    with pytest.raises(NameTaken):
        domain_list.add_domain(site, BY, {"name": "hanna.wild.example"})
    for wrong in ("drop.wild.example", "WILD.example"):
        with pytest.raises((Invalid, NameTaken)):
            domain_list.add_domain(site, BY, {"name": wrong})


def test_a_domain_that_goes_leaves_its_drops_at_the_main_address(site: Site) -> None:
    hanna = person(site, "hanna")
    caller = Caller(hanna.id, "hanna", is_admin=False)
    one = domain_list.add_domain(site, BY, {"name": "one.example"})
    domains.claim(site, hanna.id, one.id)
    drop = keep(site, caller)
    Upload.update(domain=one.id).where(Upload.id == drop.id).execute()
    assert known(site).find("one.example") is not None
    domain_list.remove_domain(site, BY, one.id)
    assert known(site).find("one.example") is None
    assert Upload.get_by_id(drop.id).domain_id is None
    assert UserDomain.select().count() == 0
    acts = [row.action for row in Audit.select().where(Audit.action.startswith("domain."))]
    assert sorted(acts) == ["domain.add", "domain.claim", "domain.remove"]
    with pytest.raises(NotFound):
        domain_list.remove_domain(site, BY, one.id)


def test_a_domains_figures_are_checked(site: Site) -> None:
    one = domain_list.add_domain(site, BY, {"name": "one.example", "max_file_size": 1000})
    domains.check_size(one, 1000)
    domains.check_size(None, 10**12)
    with pytest.raises(TooBig):
        domains.check_size(one, 1001)
    for field, value in (
        ("max_file_size", 0),
        ("max_file_size", 2**63),
        ("display_name", "x" * 101),
        ("display_name", "a\nb"),
        ("description", "x" * 1001),
        ("description", "a\0"),
        ("created_at", 1),
    ):
        with pytest.raises(Invalid) as refused:
            domain_list.change_domain(site, BY, one.id, {field: value})
        assert refused.value.field == field
    changed = domain_list.change_domain(site, BY, one.id, {"name": "two.example", "max_file_size": None})
    assert (changed.name, changed.max_file_size) == ("two.example", None)
    assert Domain.get_by_id(one.id).name == "two.example"


def test_of_many_choices_at_once_one_primary_domain_stays(site: Site) -> None:
    hanna = person(site, "hanna")
    found = [domain_list.add_domain(site, BY, {"name": f"d{number}.example"}) for number in range(4)]

    def choose(number: int) -> object:
        one = found[number % 4]
        domains.claim(site, hanna.id, one.id)
        domains.make_primary(site, hanna.id, one.id)
        return None

    for _ in range(3):
        assert [one for one in at_once(site, 8, choose) if isinstance(one, Exception)] == []
        assert UserDomain.select().where(UserDomain.is_primary).count() == 1
    assert UserDomain.select().count() == 4
