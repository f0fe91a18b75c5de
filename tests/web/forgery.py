"""Forged access tokens: what a stranger makes of a real one and the public format, and what the key's owner could."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

Claims = dict[str, Any]
_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


@dataclass(frozen=True)
class Real:
    """A real token of a session that lives, the server's secret, and what else it has issued."""

    token: str
    secret: str
    claims: Claims
    url: str
    # Of another session, and of another person.
    other_sid: str
    other_sub: str


def text(data: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def part(value: object) -> str:
    """A header or payload as it stands in a token."""
    return text(value if isinstance(value, bytes) else json.dumps(value).encode())


def signed(header: object, claims: object, key: bytes | str, algorithm: str = "HS256") -> str:
    """A token with any header and payload, under an HMAC of any key."""
    plain = f"{part(header)}.{part(claims)}"
    secret = key.encode() if isinstance(key, str) else key
    return f"{plain}.{text(hmac.new(secret, plain.encode(), _HASHES[algorithm]).digest())}"


def by_strangers(real: Real) -> Iterator[tuple[str, str]]:
    """What can be made without the key."""
    yield from _without_algorithm(real)
    yield from _with_other_keys(real)
    yield from _asymmetric(real)
    yield from _changed(real)


def by_the_key(real: Real) -> Iterator[tuple[str, str]]:
    """Rightly signed and still no token for this: other purposes, other people, wrong types, wrong times, tricks."""
    for name, header in {
        "alg in small letters": {"alg": "hs256", "typ": "JWT"},
        "alg with a space": {"alg": "HS256 ", "typ": "JWT"},
        "alg as a list": {"alg": ["HS256"], "typ": "JWT"},
        "alg as a number": {"alg": 256},
        "alg missing": {"typ": "JWT"},
        "crit of something unknown": {"alg": "HS256", "crit": ["bork"], "bork": True},
        "crit b64": {"alg": "HS256", "crit": ["b64"], "b64": False},
        "crit empty": {"alg": "HS256", "crit": []},
        "crit no list": {"alg": "HS256", "crit": "exp"},
        "kid no text": {"alg": "HS256", "kid": {"a": 1}},
        "a list for a header": ["HS256"],
        "a text for a header": "HS256",
        "null for a header": None,
        "no JSON for a header": b"{",
        "a deep header": b'{"alg":"HS256","x":' + b"[" * 150 + b"]" * 150 + b"",
    }.items():
        yield name, signed(header, real.claims, real.secret)
    for algorithm in ("HS384", "HS512"):
        yield f"the right key, {algorithm}", signed({"alg": algorithm}, real.claims, real.secret, algorithm)
        yield f"{algorithm} said, HS256 done", signed({"alg": algorithm}, real.claims, real.secret)
        yield f"HS256 said, {algorithm} done", signed({"alg": "HS256"}, real.claims, real.secret, algorithm)
    for name, claims in _wrong_claims(real):
        yield name, signed({"alg": "HS256", "typ": "JWT"}, claims, real.secret)


def spellings(token: str) -> Iterator[tuple[str, str]]:
    """Other ways to write a token that is good: each must be refused, or end with the session as the token does."""
    head, body, mark = token.split(".")
    yield "padded", f"{head}.{body}.{mark}="
    yield "padded twice", f"{head}.{body}.{mark}=="
    yield "all padded", ".".join(each + "=" * (-len(each) % 4) for each in (head, body, mark))
    yield "much padded", f"{head}====.{body}====.{mark}===="
    yield "the other alphabet", token.replace("-", "+").replace("_", "/")
    yield (
        "standard base64",
        ".".join(base64.b64encode(base64.urlsafe_b64decode(each + "==")).decode() for each in (head, body, mark)),
    )
    for name, sign in {"space": " ", "tab": "\t", "bang": "!", "quote": '"', "percent": "%0A", "tilde": "~"}.items():
        yield f"{name} within", f"{head}.{body}.{mark[:9]}{sign}{mark[9:]}"
        yield f"{name} after a dot", f"{head}.{sign}{body}.{mark}"
        yield f"{name} at the end", f"{token}{sign}"
    for name, spelt in {
        "a dot at the end": f"{token}.",
        "a dot before": f".{token}",
        "a fourth part": f"{token}.{mark}",
        "two dots": f"{head}..{body}.{mark}",
        "twice": f"{token},{token}",
        "small letters": token.lower(),
        "percent dots": token.replace(".", "%2E"),
    }.items():
        yield name, spelt
    # 43 letters say 258 bits, two more than there are: three other last letters say the same.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(mark[-1])
    for other in range(last & ~3, (last & ~3) + 4):
        if other != last:
            yield f"the last letter's spare bits, {other & 3}", token[:-1] + alphabet[other]


def _without_algorithm(real: Real) -> Iterator[tuple[str, str]]:
    mark = real.token.rpartition(".")[2]
    for name in ("none", "None", "NONE", "nOnE", "NonE", " none", "none ", "none\0", "", "null", "plain", "HS0"):
        plain = f"{part({'alg': name, 'typ': 'JWT'})}.{part(real.claims)}"
        yield f"alg {name!r}, no signature", f"{plain}."
        yield f"alg {name!r}, two parts", plain
        yield f"alg {name!r}, the real signature", f"{plain}.{mark}"
        yield f"alg {name!r}, HMAC of nothing", signed({"alg": name}, real.claims, "")
    for name, header in {"null": {"alg": None}, "false": {"alg": False}, "a list": {"alg": ["none"]}}.items():
        yield f"alg {name}", f"{part(header)}.{part(real.claims)}."
    twice = part(b'{"alg":"HS256","alg":"none"}')
    yield "alg twice", f"{twice}.{part(real.claims)}."
    other_way = part(b'{"alg":"none","alg":"HS256"}')
    yield "alg twice, the other way", f"{other_way}.{part(real.claims)}.{'A' * 43}"


def _with_other_keys(real: Real) -> Iterator[tuple[str, str]]:
    keys: dict[str, bytes | str] = {
        "empty": "",
        "secret": "secret",
        "null": "null",
        "changeme": "changeme",
        "our name": "bulletdrop",
        "the address": real.url,
        "zeros": "0" * 32,
        "zero bytes": bytes(64),
        "another site's": secrets.token_urlsafe(48),
        "the key and a line": real.secret + "\n",
        "the key in capitals": real.secret.upper() + "x",
        "the key, cut": real.secret[:-1],
        "the key's hash": hashlib.sha256(real.secret.encode()).hexdigest(),
        "the user's id": str(real.claims["sub"]),
        "the session's id": str(real.claims["sid"]),
    }
    for name, key in keys.items():
        for algorithm in ("HS256", "HS512"):
            yield f"key {name}, {algorithm}", signed({"alg": algorithm}, real.claims, key, algorithm)
    headers: dict[str, dict[str, Any]] = {
        "kid of a file": {"kid": "../../../../../../dev/null"},
        "kid of the key's file": {"kid": "secret.key"},
        "kid of SQL": {"kid": "x' UNION SELECT '' -- "},
        "jku": {"jku": "http://127.0.0.1:9/jwks.json"},
        "x5u": {"x5u": "http://127.0.0.1:9/cert.pem"},
        "jwk": {"jwk": {"kty": "oct", "k": text(b"")}},
        "x5c": {"x5c": ["MIIB"]},
    }
    for name, extra in headers.items():
        yield name, signed({"alg": "HS256", **extra}, real.claims, "")


def _asymmetric(real: Real) -> Iterator[tuple[str, str]]:
    own = rsa.generate_private_key(65537, 2048)
    public = own.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))
    for algorithm in ("RS256", "PS256"):
        yield algorithm, jwt.encode(real.claims, own, algorithm=algorithm)
        yield f"{algorithm} with its key", jwt.encode(real.claims, own, algorithm=algorithm, headers={"jwk": jwk})
        yield f"{algorithm} said, HMAC done", signed({"alg": algorithm}, real.claims, "")
    yield "HMAC of a public key", signed({"alg": "HS256"}, real.claims, public)
    yield "ES256", jwt.encode(real.claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256")
    for algorithm in ("EdDSA", "ES512", "A128KW", "dir"):
        yield f"{algorithm} said", signed({"alg": algorithm}, real.claims, "")
    # CVE-2022-21449: a signature of zeros fits everything where nobody looks.
    yield "ES256 of zeros", f"{part({'alg': 'ES256'})}.{part(real.claims)}.{text(bytes(64))}"


def _changed(real: Real) -> Iterator[tuple[str, str]]:
    head, body, mark = real.token.split(".")
    yield "no signature", f"{head}.{body}."
    yield "no signature and no dot", f"{head}.{body}"
    yield "a signature of zeros", f"{head}.{body}.{text(bytes(32))}"
    yield "half a signature", f"{head}.{body}.{mark[:21]}"
    yield "the signature twice", f"{head}.{body}.{mark}{mark}"
    for name, claims in {
        "another person": {**real.claims, "sub": real.other_sub},
        "another session": {**real.claims, "sid": real.other_sid},
        "a longer life": {**real.claims, "exp": int(time.time()) + 10**8},
        "the next epoch": {**real.claims, "epoch": real.claims["epoch"] + 1},
        "an admin": {**real.claims, "is_admin": True, "scopes": ["admin"]},
    }.items():
        yield f"{name} under the real signature", f"{head}.{part(claims)}.{mark}"
    for place in range(0, len(body), 7):
        other = "A" if body[place] != "A" else "B"
        yield f"letter {place} of the payload", f"{head}.{body[:place]}{other}{body[place + 1 :]}.{mark}"
    for place in range(0, 43, 5):
        other = "A" if mark[place] != "A" else "B"
        yield f"letter {place} of the signature", f"{head}.{body}.{mark[:place]}{other}{mark[place + 1 :]}"
    for name, token in {
        "parts in another order": f"{body}.{head}.{mark}",
        "dots": "..",
        "one dot": ".",
        "many dots": "." * 3000,
        "one letter": "a",
        "no JSON": f"{part(b'x')}.{part(b'y')}.{mark}",
        "a token within": signed({"alg": "HS256", "cty": "JWT"}, real.token.encode(), ""),
        "long": f"{head}.{'A' * 5000}.{mark}",
        "100 KB": f"{head}.{'A' * 100_000}.{mark}",
        "long signature": f"{head}.{body}.{'A' * 6000}",
        "deep": f"{head}.{part(b'[' * 3000)}.{mark}",
    }.items():
        yield name, token


def _wrong_claims(real: Real) -> Iterator[tuple[str, object]]:
    now = int(time.time())
    for name in ("sub", "sid", "epoch", "purpose", "aud", "jti", "exp", "iat"):
        yield f"without {name}", {key: value for key, value in real.claims.items() if key != name}
    wrong_values: dict[str, tuple[object, ...]] = {
        name: (None, [real.claims[name]], {"a": real.claims[name]}, True, 1.5)
        for name in ("sub", "sid", "epoch", "purpose", "aud", "jti", "exp", "iat")
    }
    others: dict[str, tuple[object, ...]] = {
        "aud": ("other", "Bulletdrop", "bulletdrop ", ["bulletdrop", "other"], ["other"], []),
        "purpose": (
            *("half", "refresh", "reset", "verify", "email-change", "email-undo", "proof", "sign-on", "challenge"),
            *("csrf", "Access", "access ", "api", "deletion"),
        ),
        "exp": (now - 1, 0, -1, str(now + 900), f"{now + 900}", now + 900.5, float("nan"), float("inf"), -(10**30)),
        "nbf": (now + 600, "soon", [now], 10**30),
        "sub": (real.other_sub, 1, "alice", "\0", "\ud800"),
        "sid": (real.other_sid, 1, "", "\0", f"{real.claims['sid']}\0", "\ud800", "' OR 1=1 --", "a" * 900),
        "epoch": (
            *(real.claims["epoch"] + 1, real.claims["epoch"] - 1, str(real.claims["epoch"])),
            *(float(real.claims["epoch"]), -(10**30), 10**30),
        ),
    }
    for name in {**wrong_values, **others}:
        for wrong in {repr(each): each for each in (*wrong_values.get(name, ()), *others.get(name, ()))}.values():
            yield f"{name} is {wrong!r}"[:60], {**real.claims, name: wrong}
    yield "an endless number", json.dumps(real.claims).replace(str(real.claims["exp"]), "9" * 5000).encode()[:900]
    for name, payload in {"a list": [real.claims], "a text": "x", "null": None, "a token": real.token}.items():
        yield f"the payload is {name}", payload
    yield "no UTF-8", b"\xff\xfe" + json.dumps(real.claims).encode()
