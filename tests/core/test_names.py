"""Names: nobody's link can be taken over by somebody else's name."""

from __future__ import annotations

import pytest

from bulletdrop.core.drops import uploads
from bulletdrop.core.names.chosen import write_name
from bulletdrop.core.names.slugs import check_custom_name
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, NameReserved, NameTaken, NotFound
from tests.core.drops_kit import keep
from tests.support.pictures import screenshot


@pytest.mark.parametrize("name", ["relea.png", "relea.JPEG", "a.b.svg", "relea.ｐｎｇ", "relea.html"])
def test_a_custom_name_carries_no_ending(name: str) -> None:
    with pytest.raises(BadName, match="Leave the ending out"):
        check_custom_name(name)
    assert check_custom_name("release-1.2") == "release-1.2"


@pytest.mark.parametrize("name", ["ｌogin", "ａdmin", "Ｓetup", "ﬁles", "ｌogin.old"])
def test_a_reserved_word_in_other_letters_is_reserved(name: str) -> None:
    with pytest.raises(NameReserved):
        check_custom_name(name)


def test_a_custom_name_is_kept_in_the_letters_that_it_is_compared_in(site: Site, alice: Caller, bob: Caller) -> None:
    assert keep(site, alice, custom_name="ｒelease").custom_name == "release"
    with pytest.raises(NameTaken):
        keep(site, bob, screenshot(2), custom_name="Ｒelease")


@pytest.mark.parametrize("name", ["relea", "RELEA", "relea.1.2", "relea.1.2.3", "relea.1.x"])
def test_bob_cannot_take_a_name_around_alices(site: Site, alice: Caller, bob: Caller, name: str) -> None:
    keep(site, alice, custom_name="relea.1")
    if name in ("relea.1.2", "relea.1.2.3", "relea.1.x"):
        keep(site, alice, screenshot(3), custom_name="relea2")
        name = name.replace("relea.1", "relea2")
    with pytest.raises(NameTaken):
        keep(site, bob, screenshot(2), custom_name=name)
    his = keep(site, bob, screenshot(2))
    with pytest.raises(NameTaken):
        uploads.change_upload(site, bob, his.id, {"custom_name": name})


def test_bob_cannot_hang_an_ending_on_alices_slug(site: Site, alice: Caller, bob: Caller) -> None:
    hers = keep(site, alice)
    with pytest.raises(NameTaken):
        keep(site, bob, screenshot(2), custom_name=f"{hers.slug}.1")
    with pytest.raises(BadName):
        keep(site, bob, screenshot(2), custom_name=f"{hers.slug}.png")


def test_a_drop_may_get_a_name_near_its_own(site: Site, alice: Caller) -> None:
    hers = keep(site, alice, custom_name="relea")
    assert uploads.change_upload(site, alice, hers.id, {"custom_name": "relea.1"}).custom_name == "relea.1"


def test_a_page_is_never_shown_at_the_direct_link_of_another_drop(site: Site, alice: Caller, bob: Caller) -> None:
    hers, his = keep(site, alice, custom_name="relea"), keep(site, bob, screenshot(2))
    for stem in (hers.slug, "relea"):
        # As an older version let him have it.
        name = f"{stem}.png"
        write_name(site, name, upload=his.id)
        uploads.trash_upload(site, alice, hers.id)
        with pytest.raises(NotFound):
            uploads.find_page(site, name)
        uploads.restore_upload(site, alice, hers.id)
    write_name(site, "his.1", upload=his.id)
    assert uploads.find_page(site, "his.1").id == his.id
