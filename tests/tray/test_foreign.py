"""Uploads to somebody else's host by its .sxcu: over real sockets, against hosts of many kinds."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulletdrop import errors
from bulletdrop.config import load_config
from bulletdrop.errors import Invalid, Rejected
from bulletdrop.tray.answers import ServerFault, Unreachable
from bulletdrop.tray.desk import Status
from bulletdrop.tray.foreign import AnswerUnread, ForeignClient, Uploader, parse
from bulletdrop.tray.pairing import UNPAIRED, UNREADABLE, Pairing
from bulletdrop.tray.preferences import Chosen, Server
from tests.tray.engine_kit import eventually, fake_server, png, running, stay, write
from tests.tray.host_kit import Answer, Host, Seen, foreign_host, sxcu


def kept_at(_seen: Seen) -> Answer:
    found = {
        "url": "https://host.example/abc",
        "thumb": "https://host.example/t/abc",
        "del": "https://host.example/d/1",
    }
    return Answer(json.dumps({"files": [found], **found}), 201)


@pytest.fixture
def host() -> Iterator[Host]:
    with foreign_host(kept_at) as one:
        yield one


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    return write(tmp_path / "shot.png", png(size=400_000))


def uploader(text: str) -> Uploader:
    return parse(text)


def parts_of(seen: Seen) -> dict[str, Any]:
    """The parts of a form by their names, as the standard library reads them."""
    head = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + seen.body, policy=email.policy.HTTP)
    return {str(part.get_param("name", header="content-disposition")): part for part in message.iter_parts()}


def test_a_form_carries_the_file_and_what_the_uploader_adds(host: Host, shot: Path) -> None:
    text = sxcu(
        host.url + "/api/upload?folder=shots",
        Headers={"Authorization": "Bearer secret"},
        Arguments={"title": "of {filename}", "kind": "x"},
        Parameters={"name": "{filename}"},
        ThumbnailURL="{json:thumb}",
        DeletionURL="{json:files[0].del}",
    )
    one = uploader(text)
    done = one.upload(shot, "a b.png")
    one.close()
    assert done.link == "https://host.example/abc"
    assert done.deletion_url == "https://host.example/d/1"
    assert done.fields["thumbnail_url"] == "https://host.example/t/abc"
    (seen,) = host.seen
    assert (seen.method, seen.path) == ("POST", "/api/upload?folder=shots&name=a%20b.png")
    assert seen.headers["authorization"] == "Bearer secret"
    parts = parts_of(seen)
    assert parts["file"].get_payload(decode=True) == shot.read_bytes()
    assert parts["file"].get_filename() == "a b.png"
    assert parts["file"].get_content_type() == "image/png"
    assert parts["title"].get_payload(decode=True) == b"of a b.png"


def test_the_body_can_be_the_file_itself(host: Host, shot: Path) -> None:
    one = uploader(sxcu(host.url + "/{filename}", Body="Binary", FileFormName="", RequestMethod="PUT"))
    one.upload(shot, "ä.png")
    one.close()
    (seen,) = host.seen
    assert (seen.method, seen.path) == ("PUT", "/%C3%A4.png")
    assert seen.body == shot.read_bytes()
    assert seen.headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    ("url", "body", "expected"),
    [
        ("", "https://h.example/x\n", "https://h.example/x"),
        ("{response}", "https://h.example/x", "https://h.example/x"),
        ("https://h.example/{json:id}", '{"id": 7}', "https://h.example/7"),
        ("{json:{response}|$.a['b c'][1]}", '{"a": {"b c": [0, "https://h.example/1"]}}', "https://h.example/1"),
        ("{json:..link}", '{"a": [{"link": "https://h.example/deep"}]}', "https://h.example/deep"),
        ("{xml:/data/link}", "<data><link>https://h.example/x</link></data>", "https://h.example/x"),
        ("{xml://file[2]/@src}", "<a><file src='no'/><file src='https://h.example/2'/></a>", "https://h.example/2"),
        ('{regex:href="(?<link>[^"]+)"|link}', '<a href="https://h.example/r">', "https://h.example/r"),
        ("{regex:{response}|id=(\\\\d+)|1}", "id=https", None),
        ("https://h.example/{regex:id=(\\\\d+)|1}", "id=42", "https://h.example/42"),
        ("{header:Location}", "", "https://h.example/from-header"),
        ("https://h.example/\\{{filename}\\}", "", "https://h.example/{a%26b.png}"),
        ("{random:https://h.example/1|https://h.example/1}", "", "https://h.example/1"),
        ("{json:url}} and the rest is lost", '{"url": "https://h.example/u"}', "https://h.example/u"),
        ("https://h.example/{BASE64:user:pass}", "", "https://h.example/dXNlcjpwYXNz"),
        ("{json:nothing}", "{}", None),
        ("{json:a}", '{"a": {"b": 1}}', None),
        ("{json:url}", "<html>", None),
        ("{json:url}", '{"url": "javascript:alert(1)"}', None),
        ("{json:url}", '{"url": "https://h.example/a\\nb"}', None),
        ("{xml:/a}", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", None),
    ],
)
def test_the_link_is_found_where_the_uploader_says(shot: Path, url: str, body: str, expected: str | None) -> None:
    with foreign_host(lambda _seen: Answer(body, 200, {"Location": "https://h.example/from-header"})) as host:
        one = uploader(sxcu(host.url, URL=url))
        try:
            if expected is None:
                with pytest.raises(AnswerUnread):
                    one.upload(shot, "a&b.png")
            else:
                assert one.upload(shot, "a&b.png").link == expected
        finally:
            one.close()


def test_what_cannot_be_found_besides_the_link_takes_nothing_from_it(shot: Path) -> None:
    with foreign_host(lambda _seen: Answer('{"url": "https://h.example/1", "t": []}')) as host:
        one = uploader(sxcu(host.url, ThumbnailURL="{json:t}", DeletionURL="{json:no}"))
        done = one.upload(shot, "a.png")
        one.close()
    assert (done.link, done.deletion_url, done.fields["thumbnail_url"]) == ("https://h.example/1", "", "")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Invalid),
        (401, errors.NotSignedIn),
        (403, errors.Forbidden),
        (404, Rejected),
        (413, errors.TooBig),
        (415, errors.UnknownType),
        (429, errors.TooMany),
        (500, ServerFault),
        (502, ServerFault),
        (503, errors.Unavailable),
        (507, errors.DiskFull),
    ],
)
def test_a_refusal_is_what_its_status_means_in_the_hosts_own_words(status: int, kind: type, shot: Path) -> None:
    body = '{"error": {"message": "No,\\nthank you."}}'
    with foreign_host(lambda _seen: Answer(body, status, {"Retry-After": "7"})) as host:
        one = uploader(sxcu(host.url, ErrorMessage="{json:error.message}"))
        with pytest.raises(kind) as caught:
            one.upload(shot, "a.png")
        one.close()
        mute = uploader(sxcu(host.url, ErrorMessage="{xml:/no}"))
        with pytest.raises(kind) as unsaid:
            mute.upload(shot, "a.png")
        mute.close()
    assert caught.value.message == "No, thank you."  # type: ignore[attr-defined]
    assert caught.value.retry_after == 7.0  # type: ignore[attr-defined]
    assert str(status) in unsaid.value.message  # type: ignore[attr-defined]


def test_a_redirect_is_followed_but_the_key_stays_with_its_host(shot: Path) -> None:
    with foreign_host(lambda seen: Answer(f"http://127.0.0.1:1/{seen.method}")) as other:

        def leads_on(seen: Seen) -> Answer:
            return Answer("", 307 if seen.path == "/same" else 303, {"Location": f"{other.url}/there"})

        with foreign_host(leads_on) as host:
            for path in ("/same", "/other"):
                one = uploader(sxcu(host.url + path, URL="", Headers={"X-Key": "secret", "Accept": "text/plain"}))
                done = one.upload(shot, "a.png")
                one.close()
                assert done.link == f"http://127.0.0.1:1/{'POST' if path == '/same' else 'GET'}"
        assert host.seen[0].headers["x-key"] == "secret"
        assert all("x-key" not in seen.headers for seen in other.seen)
        assert other.seen[0].body == host.seen[0].body
        assert other.seen[1].body == b""


def test_redirects_without_an_end_are_given_up(shot: Path) -> None:
    with foreign_host(lambda _seen: Answer("", 302, {"Location": "/again"})) as host:
        one = uploader(sxcu(host.url))
        with pytest.raises(Unreachable, match="without an end"):
            one.upload(shot, "a.png")
        one.close()


@pytest.mark.parametrize("where", ["http://[", "file:///etc/passwd", "http://a b/", "http://h:99999/"])
def test_a_file_that_was_taken_before_a_redirect_to_nowhere_is_not_sent_again(shot: Path, where: str) -> None:
    with foreign_host(lambda _seen: Answer("", 302, {"Location": where})) as host:
        one = uploader(sxcu(host.url))
        with pytest.raises(AnswerUnread, match="no address"):
            one.upload(shot, "a.png")
        one.close()


def test_half_a_character_in_an_answer_is_no_reason_to_send_again(shot: Path) -> None:
    answer = r'{"url": "https://host.example/1", "half": "\ud800"}'
    with foreign_host(lambda _seen: Answer(answer)) as host:
        one = uploader(sxcu(host.url, URL="{json:url}", ThumbnailURL="https://h.example/{base64:{json:half}}"))
        assert one.upload(shot, "a.png").link == "https://host.example/1"
        one.close()


def test_a_pattern_that_never_ends_is_stopped(shot: Path) -> None:
    with foreign_host(lambda _seen: Answer("a" * 60)) as host:
        one = uploader(sxcu(host.url, URL="{regex:(a+)+b}"))
        with pytest.raises(AnswerUnread, match="takes too long"):
            one.upload(shot, "a.png")
        one.close()


def test_the_engine_can_use_it_as_its_client(host: Host, shot: Path) -> None:
    client = ForeignClient(sxcu(host.url))
    client.warm()
    assert client.health()["status"] == "ok"
    seen: list[tuple[int, int | None]] = []
    done = client.upload(
        shot,
        "a.png",
        size=shot.stat().st_size,
        sha256="0" * 64,
        idempotency_key="k",
        progress=lambda sent, of: seen.append((sent, of)),
    )
    assert done.link == "https://host.example/abc"
    assert seen[-1] == (shot.stat().st_size, shot.stat().st_size)
    assert client.server_url == host.url
    assert not client.reserves
    assert not client.exactly_once
    # One connection for all of it, and nothing of ours but the file went there.
    assert "idempotency-key" not in host.seen[-1].headers
    client.close()
    with pytest.raises(Unreachable):
        client.health()


@pytest.mark.parametrize(
    ("wish", "words"), [({"is_public": "false"}, "cannot keep this private"), ({"expires_at": "7d"}, "end links")]
)
def test_what_another_host_would_not_keep_to_is_not_sent_there(
    host: Host, shot: Path, wish: dict[str, str], words: str
) -> None:
    client = ForeignClient(sxcu(host.url))
    for given in ({"wishes": wish}, {"query": wish}):
        with pytest.raises(Rejected, match=words):
            client.upload(shot, "a.png", **given)  # type: ignore[arg-type]
    client.close()
    assert host.seen == []


def test_a_host_that_is_away_is_said_to_be(shot: Path) -> None:
    client = ForeignClient(sxcu("http://127.0.0.1:9/x"), connect_seconds=1)
    client.warm()
    with pytest.raises(Unreachable):
        client.upload(shot, "a.png")
    client.close()


def test_no_key_is_in_what_is_printed_of_an_uploader() -> None:
    secret = "s3cr3t-key"
    headers = {"Authorization": secret}
    recipe = parse(sxcu("https://h.example/?k=" + secret, Headers=headers, Arguments={"k": secret})).recipe
    assert secret not in repr(recipe)
    assert recipe.name == "h.example"


def test_a_line_break_gets_into_no_header(host: Host, shot: Path) -> None:
    one = uploader(sxcu(host.url, Headers={"X-A": "a%nX-B: b"}))
    with pytest.raises(Invalid, match="line break"):
        one.upload(shot, "a.png")
    one.close()
    assert host.seen == []


def test_the_tray_sends_screenshots_to_another_host_and_copies_its_link(tmp_path: Path) -> None:
    links: list[str] = []

    def says(seen: Seen) -> Answer:
        links.append(f"https://host.example/{len(links)}")
        return Answer(json.dumps({"url": links[-1]}))

    with foreign_host(says) as host, fake_server() as own, running(tmp_path, own, paired=False) as tray:
        tray.engine.use_client(ForeignClient(sxcu(host.url)))
        write(tray.folder / "shot.png", png())
        item = eventually(lambda: next((one for one in tray.engine.recent(1) if one.status is Status.DONE), None))
        assert item.link == "https://host.example/0"
        assert own.kept == []


def test_the_tray_uses_another_host_as_long_as_the_person_chose_one(tmp_path: Path, host: Host) -> None:
    chosen = Chosen(tmp_path)
    chosen.change(foreign=sxcu(host.url), servers=(Server(url="http://127.0.0.1:9"),))
    used: list[Any] = []
    needs: list[str | None] = []
    pairing = Pairing(
        load_config({"data": tmp_path}, environ={}),
        use=used.append,
        needs=lambda words, page: needs.append(words),
        environ={},
        keyrings=(),
        look_seconds=0.1,
    )
    pairing.start()
    try:
        eventually(lambda: used)
        assert isinstance(used[-1], ForeignClient)
        assert pairing.present.server == host.url
        stay(0.5)
        # Looking again finds nothing new.
        assert len(used) == 1
        chosen.change(foreign="{}")
        eventually(lambda: needs[-1] == UNREADABLE)
        # Its servers are as they were: the one that is listed was never paired.
        chosen.change(foreign="")
        eventually(lambda: needs[-1] == UNPAIRED)
        chosen.change(foreign=sxcu(host.url))
        eventually(lambda: len(used) == 2)
        assert needs[-1] is None
    finally:
        pairing.stop()
        for client in used:
            client.close()
