"""Signing in by a real OpenID Connect provider: who comes in, and which answers are worth nothing."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.config import load_config
from bulletdrop.core.models import Identity, Session, Ticket, User
from bulletdrop.core.people import accounts, second_factor, sign_on, totp
from bulletdrop.core.people.providers import offered
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.site import Site
from bulletdrop.errors import (
    BadSignOn,
    BadTicket,
    Blocked,
    Denied,
    NotFound,
    Unavailable,
)
from tests.core.sign_on.kit import (
    PUBLIC,
    change,
    come_back,
    kept,
    refusals,
    set_out,
    sign_in,
)
from tests.support.oidc_provider import OidcProvider, query_of

# Ways in which an ID token, or what comes with it, is not the provider's word about this sign-in.
UNTRUE = [
    "other nonce",
    "no nonce",
    "other issuer",
    "issuer with a slash",
    "other audience",
    "shared audience",
    "other party",
    "expired",
    "not yet",
    "no expiry",
    "no subject",
    "other key",
    "unknown key",
    "key in the header",
    "none",
    "HS256 with the public key",
    "HS256 with the secret",
    "cut signature",
    "other claims",
    "no token",
    "no token but words",
    "other subject",
]


def test_whoever_signs_in_there_gets_an_account_here(site: Site, provider: OidcProvider) -> None:
    entered = sign_in(site, provider, "mia")
    assert isinstance(entered, Tokens)
    user = User.get(User.username == "mia")
    assert (user.email, user.is_verified, user.password_hash, user.is_admin) == ("mia@example.org", True, None, False)
    identity = Identity.get()
    assert (identity.user_id, identity.issuer, identity.subject) == (user.id, provider.url, "mia")
    assert Session.get().method == "oidc"
    assert not Ticket.select().exists()


def test_the_second_time_it_is_the_same_account(site: Site, provider: OidcProvider, clock: ManualClock) -> None:
    first = sign_in(site, provider, "mia")
    # Names and addresses change hands; who somebody is does not.
    provider.tell(mia={"email": "alice@example.org", "preferred_username": "alice"})
    clock.advance(minutes=3)
    second = sign_in(site, provider, "mia")
    assert isinstance(first, Tokens)
    assert isinstance(second, Tokens)
    assert first.user.id == second.user.id
    assert Identity.get().last_used_at == clock.now()


@pytest.mark.parametrize("mode", ["says it in the token", "names no key", "proves by post"])
def test_providers_may_do_it_otherwise(site: Site, provider: OidcProvider, mode: str) -> None:
    provider.tell(mode=mode)
    assert isinstance(sign_in(site, provider, "mia"), Tokens)
    assert User.select().count() == 2
    if mode == "says it in the token":
        assert User.get(User.username == "token").email == "token@example.org"


@pytest.mark.parametrize("mode", UNTRUE)
def test_an_answer_that_is_untrue_is_refused_and_leaves_nothing(site: Site, provider: OidcProvider, mode: str) -> None:
    before = kept()
    provider.tell(mode=mode)
    with pytest.raises(BadSignOn):
        sign_in(site, provider, "mia")
    assert kept() == before
    assert len(refusals()) == 1


@pytest.mark.parametrize("mode", ["huge", "no JSON", "redirects", "down"])
def test_an_answer_that_is_none_is_no_sign_in(site: Site, provider: OidcProvider, mode: str) -> None:
    before = kept()
    begun = set_out(site)
    answer = provider.sign_in(begun.url, "mia")
    provider.tell(mode=mode)
    with pytest.raises(Unavailable, match="Hall"):
        come_back(site, answer, begun.browser)
    assert kept() == before


def test_a_state_is_good_once(site: Site, provider: OidcProvider) -> None:
    begun = set_out(site)
    answer = provider.sign_in(begun.url, "mia")
    come_back(site, answer, begun.browser)
    before = kept()
    with pytest.raises(BadTicket):
        come_back(site, answer, begun.browser)
    assert kept() == before


def test_a_code_is_good_once(site: Site, provider: OidcProvider) -> None:
    begun = set_out(site)
    answer = provider.sign_in(begun.url, "mia")
    come_back(site, answer, begun.browser)
    before = kept()
    again = set_out(site)
    replayed = {**query_of(answer), "state": query_of(again.url)["state"]}
    with pytest.raises(BadSignOn):
        come_back(site, replayed, again.browser)
    assert kept() == before


def test_somebody_elses_code_is_refused(site: Site, provider: OidcProvider) -> None:
    """Mallory's code in mia's browser: the provider asks for the verifier that only mallory's sign-in has."""
    mallory, mia = set_out(site), set_out(site)
    stolen = query_of(provider.sign_in(mallory.url, "mallory"))
    before = kept()
    with pytest.raises(BadSignOn):
        come_back(site, {**stolen, "state": query_of(mia.url)["state"]}, mia.browser)
    assert kept().users == before.users
    assert kept().sessions == 0


@pytest.mark.parametrize("state", ["", "x", "A" * 43, "\0", "ü" * 200, "%00", "A" * 100_000])
def test_a_state_of_nobody_is_refused(site: Site, provider: OidcProvider, state: str) -> None:
    begun = set_out(site)
    answer = {**query_of(provider.sign_in(begun.url, "mia")), "state": state}
    with pytest.raises(BadTicket):
        come_back(site, answer, begun.browser)
    del answer["state"]
    with pytest.raises(BadTicket):
        come_back(site, answer, begun.browser)
    assert kept().users == 1


@pytest.mark.parametrize("browser", [None, "", "A" * 43, "other"])
def test_a_state_of_another_browser_is_refused_and_stays_good_in_its_own(
    site: Site, provider: OidcProvider, browser: str | None
) -> None:
    begun = set_out(site)
    answer = provider.sign_in(begun.url, "mia")
    with pytest.raises(BadTicket):
        come_back(site, answer, set_out(site).browser if browser == "other" else browser)
    assert kept().users == 1
    assert isinstance(come_back(site, answer, begun.browser), Tokens)


def test_a_browser_may_have_two_tabs(site: Site, provider: OidcProvider) -> None:
    first = set_out(site)
    second = sign_on.begin(site, "oidc", browser=first.browser)
    assert second.browser == first.browser
    for begun in (first, second):
        assert isinstance(come_back(site, provider.sign_in(begun.url, "mia"), first.browser), Tokens)


def test_a_state_is_good_for_ten_minutes(site: Site, provider: OidcProvider, clock: ManualClock) -> None:
    begun = set_out(site)
    answer = provider.sign_in(begun.url, "mia")
    clock.advance(minutes=10)
    with pytest.raises(BadTicket):
        come_back(site, answer, begun.browser)


def test_the_verifier_is_really_asked_for(site: Site, provider: OidcProvider) -> None:
    begun = set_out(site)
    answer = provider.sign_in(begun.url, "mia")
    ticket = Ticket.get()
    ticket.data = {**ticket.data, "verifier": "A" * 64}
    ticket.save()
    with pytest.raises(BadSignOn):
        come_back(site, answer, begun.browser)
    # And without a challenge the provider does not even show its form.
    bare = re.sub(r"&code_challenge(_method)?=[^&]*", "", set_out(site).url)
    assert query_of(provider.sign_in(bare, "mia"))["error"] == "invalid_request"


def test_what_is_sent_along_cannot_be_guessed_and_comes_from_the_settings(site: Site) -> None:
    asked = [parse_qs(urlsplit(set_out(site).url).query) for _ in range(2)]
    assert all(each["redirect_uri"] == [f"{PUBLIC}/api/v1/auth/oidc/callback"] for each in asked)
    assert all(each["code_challenge_method"] == ["S256"] and each["response_type"] == ["code"] for each in asked)
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
        assert len(asked[0][name][0]) == 43


@pytest.mark.parametrize("mode", ["answers as another", "answers as nobody"])
def test_an_answer_that_names_another_issuer_is_refused(site: Site, provider: OidcProvider, mode: str) -> None:
    provider.tell(mode=mode)
    before = kept()
    with pytest.raises(BadSignOn, match="another provider"):
        sign_in(site, provider, "mia")
    assert kept() == before


def test_an_answer_for_one_provider_is_refused_at_another(site: Site, provider: OidcProvider) -> None:
    """The way back of each provider is its own, whatever state somebody sends along."""
    change(site, google_client_id="other")
    begun = set_out(site)
    answer = provider.sign_in(begun.url, "mia")
    with pytest.raises(BadTicket):
        come_back(site, answer, begun.browser, "google")
    with pytest.raises(NotFound):
        come_back(site, answer, begun.browser, "discord")
    assert kept().sessions == 0


def test_an_answer_is_refused_when_the_settings_name_another_issuer_by_then(site: Site, provider: OidcProvider) -> None:
    begun = set_out(site)
    answer = provider.sign_in(begun.url, "mia")
    change(site, oidc_issuer="http://127.0.0.1:1")
    with pytest.raises(BadTicket):
        come_back(site, answer, begun.browser)


def test_who_says_no_there_has_not_come_in(site: Site) -> None:
    begun = set_out(site)
    before = kept()
    answer = {"state": query_of(begun.url)["state"], "error": "access_denied", "error_description": "<b>no</b>"}
    answer["iss"] = query_of(begun.url).get("iss", "") or site.config.oidc_issuer
    with pytest.raises(Denied, match="not allowed at Hall"):
        come_back(site, answer, begun.browser)
    assert kept().tickets == before.tickets - 1


def test_a_second_factor_is_asked_for_all_the_same(site: Site, provider: OidcProvider, clock: ManualClock) -> None:
    sign_in(site, provider, "mia")
    mia = User.get(User.username == "mia")
    secret = totp.begin(site, mia).secret
    second_factor.turn_on(site, mia.id, pyotp.TOTP(secret).generate_otp(int(clock.now().timestamp()) // 30))
    before = kept().sessions
    assert isinstance(sign_in(site, provider, "mia"), Half)
    assert kept().sessions == before


def test_who_is_blocked_here_stays_out(site: Site, provider: OidcProvider) -> None:
    sign_in(site, provider, "mia")
    accounts.disable(site, "mia")
    before = kept()
    with pytest.raises(Blocked):
        sign_in(site, provider, "mia")
    assert kept() == before


def test_a_subject_is_compared_to_its_last_letter(site: Site, provider: OidcProvider) -> None:
    sign_in(site, provider, "mia")
    provider.tell(MIA={"email": "other@example.org"})
    sign_in(site, provider, "MIA")
    assert Identity.select().count() == 2
    assert User.select().count() == 3


@pytest.mark.parametrize("mode", ["names itself otherwise", "plain endpoint"])
def test_an_issuer_that_is_not_what_the_settings_name_is_not_used(
    site: Site, provider: OidcProvider, mode: str
) -> None:
    provider.tell(mode=mode)
    with pytest.raises(BadSignOn):
        set_out(site)
    assert kept().tickets == 0


@pytest.mark.parametrize(
    "issuer",
    ["http://192.0.2.1", "http://127.0.0.1.example.org", "http://localhost.example.org", "http://2130706433.example"],
)
def test_an_issuer_is_asked_by_https_unless_it_is_this_machine(site: Site, provider: OidcProvider, issuer: str) -> None:
    change(site, oidc_issuer=issuer)
    with pytest.raises(Unavailable):
        set_out(site)
    assert kept().tickets == 0


def test_what_an_issuer_says_of_itself_is_believed_for_an_hour(
    site: Site, provider: OidcProvider, clock: ManualClock
) -> None:
    set_out(site)
    provider.tell(mode="down")
    clock.advance(minutes=59)
    set_out(site)
    clock.advance(minutes=1)
    with pytest.raises(Unavailable):
        set_out(site)
    provider.tell()
    # Nobody waits for it again within the next moments, and then it is asked again.
    with pytest.raises(Unavailable):
        set_out(site)
    clock.advance(seconds=5)
    set_out(site)


def test_only_providers_with_complete_settings_are_offered(site: Site) -> None:
    assert [offer.name for offer in offered(site.config)] == ["oidc"]
    everything = dict.fromkeys(("google_client_id", "github_client_id", "discord_client_id"), "x")
    full = load_config({**everything, "oidc_issuer": "https://id.example.org"}, environ={})
    assert [offer.title for offer in offered(full)] == ["Google", "GitHub", "Discord"]
