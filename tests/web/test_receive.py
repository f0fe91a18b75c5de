"""What comes in: every bad input is a 4xx in the one error shape, and nothing of it is kept."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import httpx
import pytest

from tests.support.server import Server
from tests.web.kit import BOUNDARY, FORM_TYPE, Kept, form, kept, png, post_form, problem, settled, upload


@pytest.fixture
def nothing_new(shared: Server) -> Iterator[None]:
    """Checks after the test that the server holds what it held before, and no unfinished file."""
    before = kept(shared)
    yield
    assert settled(shared) == Kept(before.uploads, before.blobs, before.files, 0)


EVERY_FIELD = {
    *("id", "slug", "url", "direct_url", "thumbnail_url", "deletion_url", "filename", "original_filename", "mime_type"),
    *("size", "sha256", "width", "height", "is_public", "expires_at", "created_at", "custom_name", "tags", "state"),
    *("placeholder", "trashed_at"),
}


def test_one_file_is_answered_with_every_field(shared: Server) -> None:
    data = png()
    answer = post_form(shared.alice, form(data, filename="Bild ä.png", fields={"tags": "one, two"}))
    assert answer.status_code == 201
    drop = answer.json()
    assert set(drop) >= EVERY_FIELD
    assert drop["original_filename"] == "Bild ä.png"
    assert drop["tags"] == ["one", "two"]
    assert (drop["width"], drop["height"], drop["mime_type"]) == (32, 24, "image/png")
    assert answer.headers["location"] == drop["url"]
    assert shared.anonymous.get(drop["direct_url"]).content == data


def test_the_file_may_be_the_body_itself(shared: Server) -> None:
    data = png()
    answer = shared.alice.put("/api/v1/uploads/shot%20%C3%A4.png?is_public=false&tags=x", content=data)
    assert answer.status_code == 201
    drop = answer.json()
    assert drop["original_filename"] == "shot ä.png"
    assert drop["is_public"] is False
    assert drop["tags"] == ["x"]
    assert shared.alice.get(drop["direct_url"]).content == data


def test_several_files_are_answered_as_a_list(shared: Server) -> None:
    files = [("file", (f"{number}.png", png(), "image/png")) for number in range(3)]
    answer = shared.alice.post("/api/v1/uploads", files=files)
    assert answer.status_code == 201
    assert [drop["original_filename"] for drop in answer.json()["items"]] == ["0.png", "1.png", "2.png"]


def test_of_several_files_all_are_kept_or_none(shared: Server, nothing_new: None) -> None:
    files = [("file", ("good.png", png(), "image/png")), ("file", ("bad.png", b"no picture at all", "image/png"))]
    problem(shared.alice.post("/api/v1/uploads", files=files), 415, "unknown_type")


FIELD_ONLY = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="tags"\r\n\r\nx\r\n--{BOUNDARY}--\r\n'.encode()
NO_FILE_CHOSEN = form(b"", filename="")
WRONG_FIELD = form(png()).replace(b'name="file"', b'name="files"')
NO_NAME = form(png()).replace(b'; filename="a.png"', b"")
GOES_ON = form(png()) + b"--more"
BARE_NEWLINES = form(b"x" * 50).replace(b"\r\n", b"\n")
NOT_UTF8 = form(png(), fields={"tags": "x"}).replace(b"\r\n\r\nx\r\n", b"\r\n\r\n\xff\xfe\r\n")

BAD_FORMS: dict[str, tuple[bytes, int, str, str | None]] = {
    "no file": (FIELD_ONLY, 400, "invalid", "file"),
    "no file chosen": (NO_FILE_CHOSEN, 400, "invalid", "file"),
    "an empty file": (form(b""), 400, "empty_file", "file"),
    "a file in another field": (WRONG_FIELD, 400, "invalid", "files"),
    "a file without a name": (NO_NAME, 400, "invalid", "file"),
    "an empty body": (b"", 400, "truncated", None),
    "no closing boundary": (form(png()).rpartition(b"\r\n--")[0], 400, "truncated", None),
    "a closing boundary without its dashes": (form(png())[:-4], 400, "truncated", None),
    "more after the end": (GOES_ON, 400, "bad_body", None),
    "bare newlines": (BARE_NEWLINES, 400, "bad_body", None),
    "a preamble": (b"hello " + form(png()), 400, "bad_body", None),
    "a field that is no UTF-8": (NOT_UTF8, 400, "invalid", "tags"),
    "a field that is too long": (form(png(), fields={"tags": "x" * 20_000}), 413, "too_big", "tags"),
    "a half picture": (form(png()[:-30]), 400, "truncated", None),
    "a picture with a wrong checksum": (form(png()[:-20] + b"\x00" * 20), 422, "bad_picture", None),
    "a type we do not take": (form(b"#!/bin/sh\necho hello\n"), 415, "unknown_type", None),
    "a page": (form(b"<html><script>alert(1)</script></html>"), 415, "unknown_type", None),
    "a drawing with scripts": (form(b'<svg xmlns="http://www.w3.org/2000/svg"/>'), 415, "unknown_type", None),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_a_bad_form_is_refused_and_nothing_is_kept(shared: Server, nothing_new: None, name: str) -> None:
    body, status, code, field = BAD_FORMS[name]
    answer = post_form(shared.alice, body)
    assert 400 <= answer.status_code < 500
    error = problem(answer, answer.status_code)
    # Whether a broken end is called truncated or a bad picture is the formats' own affair.
    if code not in ("truncated", "bad_picture"):
        assert (answer.status_code, error["code"]) == (status, code)
    if field is not None:
        assert error["field"] == field


BAD_NAMES = {
    "a path": "../../etc/passwd.png",
    "a folder": "a/b.png",
    "a Windows path": "a\\\\b.png",
    "NUL": "a\x00b.png",
    "a line break": "a%0D%0Ab.png",
    "a tabulator": "a\tb.png",
    "delete": "a\x7fb.png",
    "a direction override": "photo\u202egpj.exe",
    "an isolate": "photo\u2066gpj.exe",
    "300 characters": "x" * 296 + ".png",
    "dots alone": "..",
    "blanks alone": "   ",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_in_a_form_is_refused(shared: Server, nothing_new: None, name: str) -> None:
    problem(post_form(shared.alice, form(png(), filename=BAD_NAMES[name])), 400, "bad_name")


RAW_NAMES = ["..%2Fx.png", "a%5Cb.png", "a%00b.png", "a%0D%0Ab.png", "a%E2%80%AEb.png", "x" * 300, "%2e%2e"]


@pytest.mark.parametrize("name", RAW_NAMES)
def test_a_bad_name_in_the_path_is_refused(shared: Server, nothing_new: None, name: str) -> None:
    problem(shared.alice.put(f"/api/v1/uploads/{name}", content=png()), 400, "bad_name")


GOOD_NAMES = {
    "plain": ('filename="a.png"', "a.png"),
    "raw UTF-8": ('filename="日本 ü.png"', "日本 ü.png"),
    "percent signs of browsers": ('filename="a%22b.png"', 'a"b.png'),
    "narrow space of macOS": ('filename="Screenshot 9.41\u202fAM.png"', "Screenshot 9.41\u202fAM.png"),
    "RFC 8187": ("filename=\"x.png\"; filename*=UTF-8''%E2%82%AC%20rates.png", "€ rates.png"),
    "RFC 8187 in Latin 1": ("filename*=ISO-8859-1'en'%A3.png", "£.png"),
    "RFC 8187 that is broken": ("filename=\"x.png\"; filename*=UTF-8''%FF.png", "x.png"),
}


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_good_name_is_kept_as_it_came(shared: Server, name: str) -> None:
    written, expected = GOOD_NAMES[name]
    body = form(png()).replace(b'filename="a.png"', written.encode())
    answer = post_form(shared.alice, body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["original_filename"] == expected


def test_unknown_fields_are_ignored(shared: Server) -> None:
    assert post_form(shared.alice, form(png(), fields={"colour": "blue"})).status_code == 201


BAD_WISHES = [
    ("is_public", "perhaps", "is_public"),
    ("expires_at", "tomorrow", "expires_at"),
    ("expires_at", "2001-01-01T00:00:00Z", "expires_at"),
    ("custom_name", "a/b", "custom_name"),
    ("tags", ",".join(f"tag{number}" for number in range(30)), "tags"),
]


@pytest.mark.parametrize(("field", "value", "named"), BAD_WISHES)
def test_a_bad_wish_names_its_field(shared: Server, nothing_new: None, field: str, value: str, named: str) -> None:
    assert problem(post_form(shared.alice, form(png(), fields={field: value})), 400)["field"] == named


def test_a_custom_name_is_taken_once(shared: Server) -> None:
    upload(shared.alice, custom_name="only-once")
    before = settled(shared)
    answer = post_form(shared.alice, form(png(), fields={"custom_name": "Only-Once"}))
    assert problem(answer, 409, "name_taken")["field"] == "custom_name"
    assert settled(shared) == before


def test_a_reserved_word_is_nobodys_name(shared: Server, nothing_new: None) -> None:
    problem(post_form(shared.alice, form(png(), fields={"custom_name": "api"})), 409, "name_reserved")


def digest_of(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def test_a_right_checksum_is_accepted(shared: Server) -> None:
    data = png()
    sha256 = hashlib.sha256(data).hexdigest()
    assert post_form(shared.alice, form(data), **{"X-SHA256": sha256.upper()}).status_code == 201
    put = shared.alice.put("/api/v1/uploads/a.png", content=data, headers={"Content-Digest": digest_of(data)})
    assert put.status_code == 201
    whole = form(data)
    assert post_form(shared.alice, whole, **{"Content-Digest": digest_of(whole)}).status_code == 201
    assert post_form(shared.alice, whole, **{"Content-Digest": digest_of(data)}).status_code == 201


WRONG = [
    ({"X-SHA256": "0" * 64}, "wrong_digest"),
    ({"X-SHA256": "abc"}, "invalid"),
    ({"Content-Digest": digest_of(b"other")}, "wrong_digest"),
    ({"Content-Digest": "sha-256=:!!:"}, "invalid"),
    ({"Content-Digest": "sha-256=:YWJj:"}, "invalid"),
]


@pytest.mark.parametrize(("headers", "code"), WRONG)
def test_a_wrong_checksum_is_refused(shared: Server, nothing_new: None, headers: dict[str, str], code: str) -> None:
    problem(post_form(shared.alice, form(png()), **headers), 400, code)
    problem(shared.alice.put("/api/v1/uploads/a.png", content=png(), headers=headers), 400, code)


def test_an_unknown_digest_algorithm_is_skipped(shared: Server) -> None:
    put = shared.alice.put("/api/v1/uploads/a.png", content=png(), headers={"Content-Digest": "md5=:AAAA:"})
    assert put.status_code == 201


def test_a_body_that_is_no_form_is_refused(shared: Server, nothing_new: None) -> None:
    problem(shared.alice.post("/api/v1/uploads", content=png(), headers={"Content-Type": "image/png"}), 400, "bad_body")
    problem(shared.alice.post("/api/v1/uploads", json={"file": "x"}), 400, "bad_body")
    headers = {"Content-Type": "multipart/form-data"}
    problem(shared.alice.post("/api/v1/uploads", content=form(png()), headers=headers), 400, "bad_body")
    problem(shared.alice.put("/api/v1/uploads/a.png", content=b""), 400, "empty_file")


def test_a_repeat_with_the_same_key_gets_the_first_answer(shared: Server) -> None:
    data, headers = png(), {"Idempotency-Key": "one-shot", "Content-Type": FORM_TYPE}
    first = shared.alice.post("/api/v1/uploads", content=form(data), headers=headers)
    before = settled(shared)
    second = shared.alice.post("/api/v1/uploads", content=form(png()), headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["idempotency-replayed"] == "true"
    third = shared.alice.put("/api/v1/uploads/a.png", content=data, headers={"Idempotency-Key": "one-shot"})
    assert third.json()["id"] == first.json()["id"]
    assert settled(shared) == before
    bobs = shared.bob.post("/api/v1/uploads", content=form(data), headers=headers)
    assert bobs.status_code == 201
    assert bobs.json()["id"] != first.json()["id"]


def test_a_repeat_of_several_files_makes_none_twice(shared: Server) -> None:
    files = [("file", (f"{number}.png", png(), "image/png")) for number in range(3)]
    headers = {"Idempotency-Key": "three-shots"}
    first = shared.alice.post("/api/v1/uploads", files=files, headers=headers).json()["items"]
    second = shared.alice.post("/api/v1/uploads", files=files, headers=headers).json()["items"]
    assert [drop["id"] for drop in first] == [drop["id"] for drop in second]


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there"])
def test_an_unusable_idempotency_key_is_refused(shared: Server, nothing_new: None, key: str) -> None:
    error = problem(post_form(shared.alice, form(png()), **{"Idempotency-Key": key}), 400)
    assert error["field"] == "Idempotency-Key"


def test_the_same_bytes_are_stored_once(shared: Server) -> None:
    data = png()
    before = kept(shared)
    first, second = upload(shared.alice, data), upload(shared.bob, data)
    assert first["sha256"] == second["sha256"]
    assert first["id"] != second["id"]
    after = kept(shared)
    assert (after.uploads - before.uploads, after.blobs - before.blobs, after.files - before.files) == (2, 1, 1)


def test_a_stranger_cannot_upload(shared: Server, nothing_new: None) -> None:
    problem(post_form(shared.anonymous, form(png())), 401, "not_signed_in")
    client = httpx.Client(base_url=shared.url, headers={"X-API-Key": "bd_nonsense"}, trust_env=False, timeout=30)
    with client:
        problem(post_form(client, form(png())), 401, "not_signed_in")
