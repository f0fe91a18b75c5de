"""Every error we raise on purpose. Knows no HTTP: `web/problems.py` gives each its status, once.

Two families decide everything:

    BulletDropError
    ├── Rejected                  this can never succeed; the tray gives up and tells the person
    │   ├── Invalid               something in the request is wrong, `field` says what
    │   │   ├── EmptyFile
    │   │   ├── Truncated         the body or the file ends before it should
    │   │   ├── WrongDigest       the bytes are not the ones that were announced
    │   │   ├── BadName           a name we will not keep
    │   │   ├── BadBody           the body cannot be read as what it says it is
    │   │   └── BadConfig         a setting that does not exist or does not fit
    │   ├── NotSignedIn
    │   │   ├── ExpiredKey
    │   │   ├── RevokedKey
    │   │   ├── NeedsPassword     what is looked at has a password of its own, and this was not it
    │   │   ├── BadTicket         a link, code or half-finished sign-in that is used up, too old or never was
    │   │   └── BadSignOn         what another provider said about somebody does not count
    │   ├── Pending               a device's pairing is not approved yet
    │   ├── SlowDown              a device asks too often whether it is
    │   ├── Denied                a device's owner said no
    │   ├── ExpiredCode           a device's codes are too old, used up, or never were
    │   ├── Forbidden
    │   │   ├── MissingScope
    │   │   ├── BadCsrf
    │   │   └── Blocked           the account is blocked
    │   ├── NotFound
    │   │   ├── MissingObject     storage holds nothing under this key
    │   │   └── StillArriving     its link was handed out, its bytes are still on their way: `retry_after` says when
    │   ├── Conflict
    │   │   ├── NameTaken
    │   │   ├── NameReserved
    │   │   ├── NotReserved       a slug that this device does not hold: never handed to it, filled, or too old
    │   │   └── NotSetUp
    │   ├── Gone
    │   │   ├── UsedUp            it has been opened as often as its owner allowed
    │   │   └── Withdrawn         the picture's one full decode failed: its bytes are never served
    │   ├── UnknownHost           the request was meant for another server, by the name that it asks for
    │   ├── TooSlow               the body came slower than the minimum rate
    │   ├── TooBig
    │   ├── UnknownType
    │   └── BadPicture
    │       └── TooManyPixels
    └── Busy                      later it may succeed; the tray waits
        ├── TooMany
        ├── Unavailable
        ├── QuotaFull             the account's storage is used up: room can be made
        └── DiskFull
"""

from __future__ import annotations

from collections.abc import Sequence


class BulletDropError(Exception):
    """The root. `title` is for a toast, `message` for the person, `paths` for the log alone.

    Args:
        message: what happened, then what to do, as a sentence for the person.
        title: a few words; the class has a default.
        field: the name of the request field that is wrong, if there is one.
        paths: files concerned; logged, never shown to a client.
        retry_after: seconds after which to try again (only of use in `Busy`).
    """

    code = "error"
    title = "Something went wrong"

    def __init__(
        self,
        message: str = "",
        *,
        title: str | None = None,
        field: str | None = None,
        paths: Sequence[object] = (),
        retry_after: float | None = None,
    ) -> None:
        self.title = title or type(self).title
        self.message = message or f"{self.title}."
        self.field = field
        self.paths = tuple(str(path) for path in paths)
        self.retry_after = retry_after
        super().__init__(self.message)


class Rejected(BulletDropError):
    """This request can never succeed as it is."""

    code = "rejected"
    title = "Not accepted"


class Invalid(Rejected):
    code = "invalid"
    title = "Something in the request is wrong"


class EmptyFile(Invalid):
    code = "empty_file"
    title = "The file is empty"


class Truncated(Invalid):
    code = "truncated"
    title = "The file is not complete"


class WrongDigest(Invalid):
    code = "wrong_digest"
    title = "The bytes do not match their checksum"


class BadName(Invalid):
    code = "bad_name"
    title = "This name cannot be used"


class BadBody(Invalid):
    code = "bad_body"
    title = "The request could not be read"


class BadConfig(Invalid):
    code = "bad_config"
    title = "A setting is wrong"


class NotSignedIn(Rejected):
    code = "not_signed_in"
    title = "Sign in first"


class ExpiredKey(NotSignedIn):
    code = "expired_key"
    title = "This key has expired"


class RevokedKey(NotSignedIn):
    code = "revoked_key"
    title = "This key was revoked"


class NeedsPassword(NotSignedIn):
    """`subject` says of what, for the form that asks: a kind and an id."""

    code = "password_needed"
    title = "Protected by a password"

    def __init__(self, message: str, *, subject: str, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.subject = subject


class BadTicket(NotSignedIn):
    code = "bad_ticket"
    title = "This no longer works"


class BadSignOn(NotSignedIn):
    code = "bad_sign_on"
    title = "Not signed in"


class Pending(Rejected):
    code = "authorization_pending"
    title = "Not approved yet"


class SlowDown(Rejected):
    code = "slow_down"
    title = "Asked too often"


class Denied(Rejected):
    code = "access_denied"
    title = "Not approved"


class ExpiredCode(Rejected):
    code = "expired_token"
    title = "This code is no longer good"


class Forbidden(Rejected):
    code = "forbidden"
    title = "Not allowed"


class MissingScope(Forbidden):
    code = "missing_scope"
    title = "This key may not do that"


class BadCsrf(Forbidden):
    code = "bad_csrf"
    title = "This page is too old"


class Blocked(Forbidden):
    code = "blocked"
    title = "This account is blocked"


class NotFound(Rejected):
    code = "not_found"
    title = "Not found"


class MissingObject(NotFound):
    code = "missing_object"
    title = "These bytes are not in storage"


class StillArriving(NotFound):
    code = "still_arriving"
    title = "Still on its way"


class Conflict(Rejected):
    code = "conflict"
    title = "Already there"


class NameTaken(Conflict):
    code = "name_taken"
    title = "This name is taken"


class NameReserved(Conflict):
    code = "name_reserved"
    title = "This name is reserved"


class NotReserved(Conflict):
    code = "not_reserved"
    title = "This link is not held for this device"


class NotSetUp(Conflict):
    code = "not_set_up"
    title = "This server has no admin yet"


class Gone(Rejected):
    code = "gone"
    title = "No longer here"


class UsedUp(Gone):
    code = "used_up"
    title = "Opened as often as allowed"


class Withdrawn(Gone):
    code = "withdrawn"
    title = "This picture was withdrawn"


class UnknownHost(Rejected):
    code = "unknown_host"
    title = "This server is not known by this name"


class TooSlow(Rejected):
    code = "too_slow"
    title = "The upload was too slow"


class TooBig(Rejected):
    code = "too_big"
    title = "Too large"


class UnknownType(Rejected):
    code = "unknown_type"
    title = "This type of file is not taken"


class BadPicture(Rejected):
    code = "bad_picture"
    title = "This picture is broken"


class TooManyPixels(BadPicture):
    code = "too_many_pixels"
    title = "This picture has too many pixels"


class Busy(BulletDropError):
    """It did not work now; later it may."""

    code = "busy"
    title = "Try again later"


class TooMany(Busy):
    code = "too_many"
    title = "Too many at once"


class Unavailable(Busy):
    code = "unavailable"
    title = "Not available right now"


class DiskFull(Busy):
    code = "disk_full"
    title = "The server's disk is full"


class QuotaFull(Busy):
    code = "quota_full"
    title = "The storage is full"
