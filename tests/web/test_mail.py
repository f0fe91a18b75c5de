"""Mails reach a real mail server; what they say is true, leads here alone, and betrays nothing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.media.decoder_samples import encoded
from tests.support.server import PASSWORD, Server
from tests.support.smtp import Sink, mail_server, self_made, text_of
from tests.web.browser import browser, sign_in, signed_in
from tests.web.kit import problem, upload
from tests.web.quota_kit import ask, soon

PUBLIC = "https://drop.example.org"
OTHER = "another good battery"
FORGED = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Forwarded-Proto": "http"}


@pytest.fixture
def sink() -> Iterator[Sink]:
    with mail_server() as server:
        yield server


@pytest.fixture
def posting(make_server: Callable[..., Server], sink: Sink) -> Server:
    """A server that strangers may join, with a mail server."""
    return make_server(
        BULLETDROP_REGISTRATION="open",
        BULLETDROP_SMTP_HOST="127.0.0.1",
        BULLETDROP_SMTP_PORT=str(sink.port),
        BULLETDROP_SMTP_SECURITY="none",
        BULLETDROP_SMTP_FROM="drop@example.org",
    )


def register(client: httpx.Client, name: str = "dora", **wanted: str) -> httpx.Response:
    values = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **wanted}
    return client.post("/api/v1/auth/register", json=values)


def link_of(mail: Any) -> str:
    (link,) = set(re.findall(r"https?://\S+#\S+", text_of(mail)))
    return str(link)


def token_of(mail: Any) -> str:
    return link_of(mail).rpartition("=")[2]


def test_somebody_joins_by_the_link_in_their_mail(posting: Server, sink: Sink) -> None:
    posting.key_of("alice")
    with browser(posting) as client:
        assert register(client).json() == {"must_verify": True}
        problem(sign_in(client, "dora"), 403)
        mail = sink.to("dora@example.org")
        assert client.post("/api/v1/auth/verify-email", json={"token": token_of(mail)}).status_code == 204
        problem(client.post("/api/v1/auth/verify-email", json={"token": token_of(mail)}), 401, "bad_ticket")
        assert sign_in(client, "dora").status_code == 200


def test_a_known_address_is_told_by_mail_and_nobody_else_is(posting: Server, sink: Sink) -> None:
    posting.key_of("alice")
    with browser(posting) as client:
        known, fresh = register(client, "emil", email="alice@example.org"), register(client, "fred")
    assert (known.status_code, known.text) == (fresh.status_code, fresh.text)
    assert "already have an account" in sink.to("alice@example.org")["Subject"]


def test_a_forgotten_password_is_set_anew_by_mail_and_ends_what_was(posting: Server, sink: Sink) -> None:
    with signed_in(posting, "bob") as bob, browser(posting) as stranger:
        answers = {
            (answer.status_code, answer.text)
            for name in ("nobody", "BOB@example.org")
            for answer in [stranger.post("/api/v1/auth/forgot", json={"identifier": name})]
        }
        assert answers == {(202, "")}
        token = token_of(sink.to("bob@example.org", "password"))
        weak = stranger.post("/api/v1/auth/reset", json={"token": token, "password": "password"})
        assert problem(weak, 400)["field"] == "password"
        done = stranger.post("/api/v1/auth/reset", json={"token": token, "password": OTHER})
        assert done.status_code == 204, done.text
        problem(bob.get("/api/v1/auth/me"), 401)
        problem(posting.bob.get("/api/v1/uploads"), 401)
        problem(sign_in(stranger, "bob"), 401)
        assert sign_in(stranger, "bob", OTHER).status_code == 200
    assert "changed" in sink.to("bob@example.org", "was changed")["Subject"]


def test_a_change_of_address_is_confirmed_by_the_new_one_and_stopped_by_the_old_one(
    posting: Server, sink: Sink
) -> None:
    with signed_in(posting, "bob") as bob:
        problem(bob.post("/api/v1/account/email", json={"email": "new@example.org", "password": "wrong"}), 403)
        wanted = {"email": "new@example.org", "password": PASSWORD}
        assert bob.post("/api/v1/account/email", json=wanted).status_code == 202
        confirm, undo = token_of(sink.to("new@example.org")), token_of(sink.to("bob@example.org", "being changed"))
        assert bob.get("/api/v1/account").json()["email"] == "bob@example.org"
        stranger = posting.anonymous
        assert stranger.post("/api/v1/auth/email/confirm", json={"token": confirm}).status_code == 204
        assert bob.get("/api/v1/account").json()["email"] == "new@example.org"
        assert stranger.post("/api/v1/auth/email/undo", json={"token": undo}).status_code == 204
        problem(bob.get("/api/v1/auth/me"), 401)
    with browser(posting) as back:
        assert sign_in(back, "bob@example.org").status_code == 200


def test_an_invite_to_an_address_arrives_and_makes_the_account(posting: Server, sink: Sink) -> None:
    posting.key_of("alice")
    posting.command("invite", "add", "--email", "gina@example.org")
    code = token_of(sink.to("gina@example.org"))
    with browser(posting) as client:
        assert client.post("/api/v1/auth/invite", json={"code": code}).json() == {"email": "gina@example.org"}
        assert register(client, "gina", invite=code).json() == {"must_verify": False}
        assert sign_in(client, "gina").status_code == 200


def test_mails_lead_to_the_configured_address_alone_whatever_the_request_claims(
    make_server: Callable[..., Server], sink: Sink
) -> None:
    server = make_server(
        BULLETDROP_REGISTRATION="open",
        BULLETDROP_PUBLIC_URL=PUBLIC,
        BULLETDROP_TRUSTED_PROXIES="127.0.0.1",
        BULLETDROP_SMTP_HOST="127.0.0.1",
        BULLETDROP_SMTP_PORT=str(sink.port),
        BULLETDROP_SMTP_SECURITY="none",
    )
    server.key_of("bob")
    with server.client(None) as client:
        client.headers.update(FORGED)
        assert client.post("/api/v1/auth/forgot", headers={"Host": "evil.example"}).status_code == 421
        assert register(client).status_code == 201
        client.post("/api/v1/auth/forgot", json={"identifier": "bob"})
        client.post("/api/v1/auth/resend", json={"identifier": "dora"})
    sink.to("bob@example.org")
    sink.to("dora@example.org")
    for mail in sink.mails:
        whole = mail.as_string() + text_of(mail) + text_of(mail, "html")
        assert "evil.example" not in whole
        links = re.findall(r"https?://[^\s\"'<>]+", text_of(mail) + text_of(mail, "html"))
        assert links
        assert all(link.startswith(f"{PUBLIC}/") or link == PUBLIC for link in links), links
        assert mail["From"].addresses[0].domain == "drop.example.org"


def test_text_and_html_say_the_same_and_no_name_becomes_markup(posting: Server, sink: Sink) -> None:
    posting.key_of("alice")
    with browser(posting) as client:
        register(client)
    mail = sink.to("dora@example.org")
    html = text_of(mail, "html")
    assert link_of(mail) in html.replace("&amp;", "&")
    for paragraph in text_of(mail).split("\n\n")[:3]:
        for word in re.findall(r"[A-Za-z]{4,}", paragraph)[:8]:
            assert word in html
    assert "<script" not in html
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"]
    assert mail["Message-ID"]


@pytest.mark.parametrize(
    "email",
    [
        "a@example.org\r\nBcc: victim@example.org",
        "a@example.org\nSubject: evil",
        "a b@example.org",
        "a@example.org,victim@example.org",
        '"a\r\nBcc: x"@example.org',
        "a@example.org\0",
        "<a@example.org>",
    ],
)
def test_no_header_can_be_smuggled_into_a_mail(posting: Server, sink: Sink, email: str) -> None:
    posting.key_of("alice")
    with browser(posting) as client:
        answer = register(client, email=email)
        if answer.status_code == 201:
            time.sleep(1)
        else:
            assert problem(answer, 400)["field"] == "email"
    assert all("victim" not in str(mail["To"]) and mail["Bcc"] is None for mail in sink.mails)


def test_a_mail_does_not_wait_behind_pictures(posting: Server, sink: Sink) -> None:
    # One after the other, with whatever time a busy machine has left for them; made before, and sent all at once.
    pictures = [encoded(Image.new("L", (7000, 7000), number), "PNG") for number in range(20)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(partial(upload, posting.alice), pictures))
    with browser(posting) as client:
        posting.key_of("bob")
        client.post("/api/v1/auth/forgot", json={"identifier": "bob"}).raise_for_status()
    assert token_of(sink.to("bob@example.org"))
    assert ask(posting, "SELECT COUNT(*) FROM job WHERE kind = 'thumbnails'")[0][0] >= 1


def test_no_token_stands_in_a_log_or_is_left_in_the_database_once_it_was_sent(posting: Server, sink: Sink) -> None:
    with browser(posting) as client:
        register(client)
        token = token_of(sink.to("dora@example.org"))
        posting.key_of("bob")
        client.post("/api/v1/auth/forgot", json={"identifier": "bob"})
        second = token_of(sink.to("bob@example.org"))
    assert soon(lambda: ask(posting, "SELECT COUNT(*) FROM job WHERE kind = 'mail'") == [(0,)])
    posting.stop()
    log = posting.log.read_text()
    stored = b"".join(path.read_bytes() for path in posting.data.glob("bulletdrop.db*"))
    for secret in (token, second):
        assert secret not in log
        assert secret.encode() not in stored


def test_a_refused_mail_is_kept_with_its_reason_for_the_admin(posting: Server, sink: Sink) -> None:
    sink.reply = "550 5.1.1 No such mailbox here"
    with signed_in(posting, "alice") as admin, browser(posting) as client:
        register(client)
        deadline = time.monotonic() + 20
        while True:
            items = admin.get("/api/v1/admin/mail").json()["items"]
            if items and items[0].get("error"):
                break
            assert time.monotonic() < deadline, items
            time.sleep(0.1)
    assert items[0]["to"] == "dora@example.org"


def test_without_a_mail_server_the_admin_finds_the_links_to_hand_over(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_REGISTRATION="open")
    with signed_in(server, "alice") as admin, browser(server) as client:
        register(client)
        (mail,) = admin.get("/api/v1/admin/mail").json()["items"]
        token = mail["link"].rpartition("=")[2]
        assert client.post("/api/v1/auth/verify-email", json={"token": token}).status_code == 204
        assert sign_in(client, "dora").status_code == 200
        problem(client.get("/api/v1/admin/mail"), 403)


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(make_server: Callable[..., Server], tmp_path: Path) -> None:
    certificate = self_made(tmp_path)
    with mail_server(certificate=certificate) as sink:
        values = {
            "BULLETDROP_REGISTRATION": "open",
            "BULLETDROP_SMTP_HOST": "127.0.0.1",
            "BULLETDROP_SMTP_PORT": str(sink.port),
        }
        trusting = make_server(**values, SSL_CERT_FILE=str(certificate))
        trusting.key_of("alice")
        with browser(trusting) as client:
            register(client)
        assert sink.to("dora@example.org")
        sink.mails.clear()
        careful = make_server(**values)
        with signed_in(careful, "alice") as admin, browser(careful) as client:
            register(client)
            deadline = time.monotonic() + 20
            while not (items := admin.get("/api/v1/admin/mail").json()["items"]) or not items[0].get("error"):
                assert time.monotonic() < deadline, items
                time.sleep(0.1)
        assert "certificate" in items[0]["error"].lower()
        assert sink.mails == []
