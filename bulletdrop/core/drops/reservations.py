"""Reservations: slugs that a device holds ready, so that a link can be given away before its bytes have left.

Who holds one is a device: the key or the session that it was handed to, and nobody else can fill it, list it or end
it. A filled one is gone with the transaction that makes its drop, or, while strangers may not see that drop, only kept
for its page. One whose key was revoked or whose session is over has ended, without anybody having to write that down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from peewee import JOIN, fn

from bulletdrop.core.database import is_sqlite, transaction
from bulletdrop.core.drops.rows import OWN_NAME
from bulletdrop.core.models import ApiKey, Domain, Reservation, Session, Upload, User, UserDomain
from bulletdrop.core.names import domains, urls
from bulletdrop.core.names.chosen import hold_name, is_slug_taken
from bulletdrop.core.names.places import MAIN_PLACE, Place
from bulletdrop.core.names.slugs import new_slug
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import Forbidden, Invalid, NotFound, NotReserved, TooMany

MOST_AT_ONCE = 50
# In one store of a device, and in all of them: a tray that lost its store begins anew, and what the lost one held is
# not ended, for another machine with the same key may hold it.
MOST_OPEN = 200
MOST_ON_DEVICE = 1000
# Of one account, on all its devices, those that ended lately included.
MOST_OF_ONE = 10_000
LONGEST_STORE = 40
LONGEST_CODE = 40
LONGEST_MESSAGE = 500
# A device that was away for long still fills what it holds; what ended is told for a while.
_KEPT_LATE = timedelta(days=30)
_KEPT_ENDED = timedelta(days=7)
# The device of one that is filled and only kept for its page: nobody's id.
_FILLED = ""
DEVICE_GONE = "device_gone"
TAKEN_BACK = "taken_back"

State = Literal["waiting", "late", "ended"]


@dataclass(frozen=True)
class Arrival:
    """What there is to know of a slug that shows no drop to everybody.

    state: waiting, late (its time is over, and it may come all the same) or ended (nothing will come).
    is_held: its drop is there, and only its own people see it. Strangers are to be told what they would be without it.
    name: whose it is, where the account allows to say so; else empty.
    code, problem: why it ended; `problem` is for its owner alone, for it may name what strangers are not told.
    """

    slug: str
    state: State
    owner_id: str
    name: str = ""
    code: str = ""
    problem: str = ""
    is_held: bool = False


def reserve(site: Site, caller: Caller, count: int, *, store: str = "") -> list[Reservation]:
    """Hand out slugs: random ones, whatever the account's style is, for links to what nobody has seen yet.

    Args:
        count: 1 to MOST_AT_ONCE; where that many more would be too many open ones, as many as there is room for.
        store: a mark of where the device keeps them; any text, LONGEST_STORE characters at most.
    Returns: the rows, with the domain that their links are built with.
    Raises: Invalid; TooMany when the store holds MOST_OPEN already, or all of the device's MOST_ON_DEVICE; Forbidden
    for who is no device.
    """
    if not 1 <= count <= MOST_AT_ONCE:
        raise Invalid(f"count is 1 to {MOST_AT_ONCE}.", field="count")
    if len(store) > LONGEST_STORE or "\0" in store:
        raise Invalid(f"store is a mark of at most {LONGEST_STORE} characters.", field="store")
    device, now = _device(caller), site.clock.now()

    def hand_out() -> list[str]:
        with transaction(site.db):
            _hold_device(site, device)
            owner = User.get_or_none(User.id == caller.user_id)
            if owner is None:
                raise NotFound("This account is gone.")
            room = _room(site, device, store)
            # Ended ones are kept for their pages, and keys are without number.
            if Reservation.select().where(Reservation.owner == caller.user_id).count() >= MOST_OF_ONE:
                raise TooMany("Too many links of this account wait or have ended lately.", retry_after=3600)
            slugs = [_free_slug(site) for _ in range(min(count, room))]
            domain = domains.primary_of(site, caller.user_id)
            for slug in slugs:
                Reservation.create(
                    slug=slug,
                    owner=owner,
                    device=device,
                    store=store,
                    domain=domain,
                    is_named=owner.names_arrivals,
                    created_at=now,
                    expires_at=now + timedelta(days=site.config.reservation_days),
                )
        return slugs

    slugs = hand_out()
    rows = {row.slug: row for row in _joined().where(Reservation.slug.in_(slugs))}
    return [rows[slug] for slug in slugs]


def list_reservations(site: Site, caller: Caller) -> list[Reservation]:
    """The device's own that are open: not filled, not ended, in their time. The first to end at the top."""
    query = _joined().where(_open(site, _device(caller)))
    return list(query.order_by(Reservation.expires_at, Reservation.slug))


def page_url(site: Site, row: Reservation) -> str:
    """The link to the page. Needs the row's domain joined."""
    return f"{urls.base_of(site, urls.host_of(row.domain if row.domain_id is not None else None))}/{row.slug}"


def end(site: Site, caller: Caller, slug: str, *, code: str = "", message: str = "") -> None:
    """Say that nothing will come. One that ended before stays as it is.

    Args:
        code: why, in a word of the device's own; TAKEN_BACK when left out.
        message: the same for the owner, in a sentence.
    Raises: NotFound for one that the device does not hold: never handed to it, filled, or too old.
    """
    device = _device(caller)
    if not _end(site, device, slug, code or TAKEN_BACK, message):
        mine = (Reservation.slug == slug) & (Reservation.device == device)
        if "\0" in slug or not Reservation.select(Reservation.slug).where(mine).exists():
            raise NotFound("This device holds no such link.")


def refuse(site: Site, caller: Caller, slug: str, *, code: str, message: str) -> bool:
    """The upload that was to fill it can never be taken. Returns whether it had not ended before."""
    device = caller.key_id or caller.session_id
    return device is not None and _end(site, device, slug, code, message)


def check_held(site: Site, caller: Caller, slug: str) -> Reservation:
    """The device's own, to be filled. Raises NotReserved. Only `fill` says it for sure."""
    device = caller.key_id or caller.session_id
    found = None
    if device is not None and "\0" not in slug:
        found = Reservation.get_or_none((Reservation.slug == slug) & _fillable(device))
    if found is None:
        raise _not_reserved()
    row: Reservation = found
    return row


def fill(site: Site, caller: Caller, slug: str, *, is_public: bool) -> None:
    """Use it up, inside the transaction that makes its drop: one statement, so that of all who try one succeeds.

    Args:
        is_public: whether strangers may see the drop. For them the slug of one that they may not see stays as it was.
    Raises: NotReserved.
    """
    mine = (Reservation.slug == slug) & _fillable(caller.key_id or caller.session_id or "-")
    change: Any = Reservation.delete() if is_public else Reservation.update(device=_FILLED)
    if not change.where(mine).execute():
        raise _not_reserved()


def is_unfilled() -> Any:
    """The condition for rows that some device may still fill."""
    return (Reservation.device != _FILLED) & Reservation.ended_at.is_null()


def release(slug: str) -> None:
    """Its drop is everybody's to see from now on: nothing has to be kept for the page. In the caller's transaction."""
    Reservation.delete().where((Reservation.slug == slug) & (Reservation.device == _FILLED)).execute()


def find_arrival(site: Site, name: str, *, place: Place = MAIN_PLACE) -> Arrival | None:
    """What is to be told at `/{name}`, where no drop can be shown; None where there is nothing.

    Args:
        place: the host that was asked. On a domain the links count that were built with it.
    """
    found = look(site, [name], place=place) if "\0" not in name else {}
    return found.get(name)


def look(site: Site, slugs: Iterable[str], *, place: Place = MAIN_PLACE) -> dict[str, Arrival]:
    """As `find_arrival`, for many at once. What is not in it has arrived, or never was."""
    wanted = list(slugs)
    if not wanted:
        return {}
    now = site.clock.now()
    rows: Any = Reservation.select(*_COLUMNS).join(User).switch(Reservation)
    rows = rows.join(ApiKey, JOIN.LEFT_OUTER, on=(ApiKey.id == Reservation.device)).switch(Reservation)
    rows = rows.join(Session, JOIN.LEFT_OUTER, on=(Session.id == Reservation.device)).switch(Reservation)
    rows = rows.join(Upload, JOIN.LEFT_OUTER, on=(Upload.slug == Reservation.slug))
    given_out = User.is_active & User.delete_scheduled_for.is_null()
    if place.kind == "domain":
        given_out &= Reservation.domain == place.domain_key
        if place.user_id is not None:
            given_out &= Reservation.owner == place.user_id
    rows = rows.where(Reservation.slug.in_(wanted) & given_out).dicts()
    return {row["slug"]: _arrival(row, now) for row in rows}


def sweep_reservations(site: Site) -> str:
    """Forget what is long over; what a revoked key or an ended session held has ended."""
    now = site.clock.now()
    keys = ApiKey.select(ApiKey.id).where(ApiKey.revoked_at.is_null())
    keys = keys.where(ApiKey.expires_at.is_null() | (ApiKey.expires_at > now))
    signed_in = Session.select(Session.id).join(User).where(Session.revoked_at.is_null() & (Session.expires_at > now))
    signed_in = signed_in.where(Session.epoch == User.epoch)
    lost = Reservation.device.not_in(keys) & Reservation.device.not_in(signed_in) & (Reservation.device != _FILLED)
    Reservation.update(ended_at=now, ended_code=DEVICE_GONE).where(lost & Reservation.ended_at.is_null()).execute()
    over = (Reservation.expires_at <= now - _KEPT_LATE) | (Reservation.ended_at <= now - _KEPT_ENDED)
    return f"{Reservation.delete().where(over).execute()} removed"


_COLUMNS: tuple[Any, ...] = (
    Reservation.slug,
    Reservation.owner,
    Reservation.device,
    Reservation.is_named,
    Reservation.expires_at,
    Reservation.ended_at,
    Reservation.ended_code,
    Reservation.problem,
    User.username,
    User.display_name,
    User.names_arrivals,
    User.epoch,
    ApiKey.id.alias("key"),
    ApiKey.revoked_at.alias("key_revoked_at"),
    ApiKey.expires_at.alias("key_expires_at"),
    Session.id.alias("session"),
    Session.revoked_at.alias("session_revoked_at"),
    Session.expires_at.alias("session_expires_at"),
    Session.epoch.alias("session_epoch"),
    Upload.id.alias("upload"),
    Upload.trashed_at,
    Upload.expires_at.alias("upload_expires_at"),
)


def _arrival(row: dict[str, Any], now: datetime) -> Arrival:
    is_filled = row["device"] == _FILLED
    state: State = "waiting" if row["expires_at"] > now else "late"
    code, problem, is_held = "", "", False
    if row["ended_at"] is not None:
        state, code, problem = "ended", row["ended_code"], row["problem"]
    elif is_filled:
        gone = row["upload"] is None or row["trashed_at"] is not None
        is_held = not gone and (row["upload_expires_at"] is None or row["upload_expires_at"] > now)
        state, code = (state, "") if is_held else ("ended", TAKEN_BACK)
    elif not _has_device(row, now):
        state, code = "ended", DEVICE_GONE
    name = row["display_name"] or row["username"] if row["is_named"] and row["names_arrivals"] else ""
    return Arrival(row["slug"], state, row["owner"], name, code, problem, is_held)


def _has_device(row: dict[str, Any], now: datetime) -> bool:
    """False when whoever holds it can no longer ask for anything."""
    if row["key"] is not None:
        ends = row["key_expires_at"]
        return row["key_revoked_at"] is None and (ends is None or ends > now)
    if row["session"] is None or row["session_epoch"] != row["epoch"]:
        return False
    return bool(row["session_revoked_at"] is None and row["session_expires_at"] > now)


def _device(caller: Caller) -> str:
    device = caller.key_id or caller.session_id
    if device is None:
        raise Forbidden("Links are held by a device: by a key, or by a session.")
    return device


def _open(site: Site, device: str) -> Any:
    return _fillable(device) & (Reservation.expires_at > site.clock.now())


def _room(site: Site, device: str, store: str) -> int:
    """How many more the device may hold in this store. Raises TooMany for none."""
    held: Any = Reservation.select(Reservation.store, fn.COUNT(Reservation.slug)).where(_open(site, device))
    held_in: dict[str, int] = dict(held.group_by(Reservation.store).tuples())
    for most, count in ((MOST_OPEN, held_in.get(store, 0)), (MOST_ON_DEVICE, sum(held_in.values()))):
        if count >= most:
            raise TooMany(f"This device holds {most} links that are not filled yet. Use them first.", retry_after=60)
    return min(MOST_OPEN - held_in.get(store, 0), MOST_ON_DEVICE - sum(held_in.values()))


def _fillable(device: str) -> Any:
    # Also when its time is over: a picture that comes late is still one that was promised.
    return (Reservation.device == device) & Reservation.ended_at.is_null()


def _end(site: Site, device: str, slug: str, code: str, message: str) -> bool:
    if "\0" in slug:
        return False
    values = {
        "ended_at": site.clock.now(),
        "ended_code": cleaned(code, most=LONGEST_CODE),
        "problem": cleaned(message, most=LONGEST_MESSAGE),
    }
    change = Reservation.update(values).where((Reservation.slug == slug) & _fillable(device))
    return bool(with_reserve(site.config.data, change.execute))


def _free_slug(site: Site) -> str:
    while True:
        slug = new_slug(site)
        # Nobody takes it as a name before the row is there. A drop's own random slug meets it once in 58^length.
        hold_name(site, slug)
        if not is_slug_taken(slug):
            return slug


def _hold_device(site: Site, device: str) -> None:
    """Let no other request of this device count at the same time. On SQLite one transaction writes at a time."""
    if not is_sqlite(site.db):
        site.db.execute_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"device:{device}",))


def _joined() -> Any:
    domain = (Domain.id, Domain.name, OWN_NAME.alias("own_name").bind_to(Domain))
    owner = (User.id, User.username, User.link_ending)
    query = Reservation.select(Reservation, *owner, *domain).join(User).switch(Reservation)
    query = query.join(Domain, JOIN.LEFT_OUTER).switch(Reservation)
    claim = (UserDomain.user == Reservation.owner) & (UserDomain.domain == Reservation.domain)
    return query.join(UserDomain, JOIN.LEFT_OUTER, on=claim)


def _not_reserved() -> NotReserved:
    message = "This link is not held for this device: it was filled, taken back, or never handed to it."
    return NotReserved(message, field="slug")
