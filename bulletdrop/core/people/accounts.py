"""Accounts: making the first admin, adding people, checking passwords, blocking."""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from pathlib import Path
from typing import Any

from peewee import IntegrityError, fn

from bulletdrop.core.audit import record
from bulletdrop.core.database import is_sqlite, transaction
from bulletdrop.core.models import User
from bulletdrop.core.people.keys import revoke_keys
from bulletdrop.core.people.passwords import (
    check_new_password,
    hash_password,
    is_bcrypt,
    needs_new_hash,
    password_fits,
)
from bulletdrop.core.people.tickets import drop_tickets
from bulletdrop.core.reserved import is_reserved, looks_reserved
from bulletdrop.core.shapes import email_shape, username_shape
from bulletdrop.core.site import Site
from bulletdrop.core.text import is_visible
from bulletdrop.errors import Conflict, Forbidden, Invalid, NameReserved, NameTaken, NotFound, NotSignedIn
from bulletdrop.paths import write_private

# Characters in anything that is looked up by name: the longest is an email address, of 254.
LONGEST = 300
_USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?")
# An address as mail programs write it (RFC 5322, `dot-atom`): others could be kept, but no mail could be sent to them.
_ATOM = r"[^@\s\x00-\x1f\x7f()<>\[\]:;,.\\\"]+"
_LABEL = rf"(?!-){_ATOM}(?<!-)"
_EMAIL = re.compile(rf"(?=.{{1,64}}@)(?!.*=\?){_ATOM}(?:\.{_ATOM})*@(?=.{{1,189}}\Z){_LABEL}(?:\.{_LABEL})*")


def needs_setup(site: Site) -> bool:
    """True until the first admin exists."""
    return not User.select(User.id).where(User.is_admin).exists()


def setup_code(site: Site) -> str:
    """The one-time code that the set-up page asks for; made at the first call, kept in the data folder (0600)."""
    path = _setup_code_path(site)
    try:
        if code := path.read_text(encoding="ascii").strip():
            return code
    except FileNotFoundError:
        pass
    # Without letters and digits that look alike: it is read from a log and typed on a phone.
    code = "-".join("".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(4)) for _ in range(3))
    write_private(path, code + "\n")
    return code


def set_up(site: Site, *, code: str, username: str, email: str, password: str) -> User:
    """Make the first admin.

    Raises: Conflict when there is one already, Forbidden for a wrong code, Invalid, NameReserved.
    """
    if not needs_setup(site):
        raise Conflict("This server is set up already. Sign in instead.")
    if not hmac.compare_digest(_plain_code(code).encode(), _plain_code(setup_code(site)).encode()):
        raise Forbidden("This is not the set-up code. It stands in the server's log.", field="code")
    hashed = checked_hash(password, username, email)
    with transaction(site.db):
        if not needs_setup(site):
            raise Conflict("This server is set up already. Sign in instead.")
        user = insert_user(site, username=username, email=email, password_hash=hashed, is_admin=True)
    _setup_code_path(site).unlink(missing_ok=True)
    record(site, "setup", actor=user.id, subject=user.username)
    return user


def create_user(
    site: Site,
    *,
    username: str,
    email: str,
    password: str,
    is_admin: bool = False,
    actor: str | None = None,
    address: str = "",
) -> User:
    """Add an account. Raises Invalid, NameReserved, NameTaken with the field that is at fault.

    Args:
        actor: the id of the admin who does it; None for the command line.
        address: where the admin's request came from.
    """
    hashed = checked_hash(password, username, email)
    with transaction(site.db):
        user = insert_user(site, username=username, email=email, password_hash=hashed, is_admin=is_admin)
    if is_admin:
        _setup_code_path(site).unlink(missing_ok=True)
    detail = "as an admin" if is_admin else ""
    record(site, "user.add", actor=actor, subject=user.username, category="admin", address=address, detail=detail)
    return user


def authenticate(site: Site, *, identifier: str, password: str) -> User:
    """The user with this username or email and this password. Slow on purpose: run it in the hashing pool.

    Raises: NotSignedIn, with the same words and after the same time whether the name, the password or both are wrong.
    """
    user_id, stored = _stored_password(identifier)
    fits = password_fits(stored, password, imported=_an_imported_hash())
    # With this very password still: checking it took long, and it may have been changed meanwhile.
    same = (User.id == user_id) & (User.password_hash == stored)
    user: User | None = User.get_or_none(same) if fits else None
    if user is None:
        raise NotSignedIn("The name or the password is wrong.", title="Not signed in")
    if not user.is_active:
        raise Forbidden("This account is blocked. Ask the admin.")
    if user.password_hash and needs_new_hash(user.password_hash):
        User.update(password_hash=hash_password(password)).where(same).execute()
    return user


def find_user(site: Site, username: str) -> User:
    """The user of this name or email. Raises NotFound."""
    user = _look_up(username)
    if user is None:
        raise NotFound(f"There is no user “{username}”.")
    return user


def first_admin(site: Site) -> User | None:
    """The admin who was there first: whom a tray on the server's own machine belongs to."""
    query = User.select().where(User.is_admin & User.is_active).order_by(User.created_at, User.id)
    found: User | None = query.first()
    return found


def list_users(site: Site) -> list[User]:
    """Everybody, by name."""
    return list(User.select().order_by(User.username_key))


def promote(site: Site, username: str, *, is_admin: bool = True, actor: str | None = None, address: str = "") -> User:
    """Make somebody an admin, or no longer. Their sessions end, so that the new role holds at once.

    Args:
        actor: the id of the admin who does it; None for the command line.
        address: where the admin's request came from.
    Raises: NotFound; Conflict for the last admin, without whom nobody could run the server.
    """
    user = find_user(site, username)
    with transaction(site.db):
        hold_admins(site)
        _change(site, user, is_admin=is_admin)
        # A link for a new password may be in the hands of a key, which must not come by an admin's account.
        drop_tickets(site, user.id, "reset", "half")
        if not is_admin:
            revoke_keys(site, user.id, scope="admin")
        require_an_admin(user)
    action = "user.promote" if is_admin else "user.demote"
    record(site, action, actor=actor, subject=user.username, category="admin", address=address)
    return find_user(site, username)


def set_password(site: Site, username: str, password: str, *, actor: str | None = None, address: str = "") -> None:
    """Give somebody a new password; their sessions, keys and devices end. Raises Invalid, NotFound."""
    hashed = checked_hash(password, username)
    user = find_user(site, username)
    with transaction(site.db):
        _change(site, user, password_hash=hashed)
        drop_tickets(site, user.id)
        revoke_keys(site, user.id)
    record(site, "user.password", actor=actor, subject=user.username, category="admin", address=address)


def disable(
    site: Site,
    username: str,
    *,
    is_active: bool = False,
    actor: str | None = None,
    address: str = "",
    reason: str = "",
) -> None:
    """Block an account (or let it in again): sessions and keys stop working at once.

    Args:
        actor: the id of the admin who does it; None for the command line.
        address: where the admin's request came from.
        reason: why, for the audit log.
    Raises: NotFound; Conflict for the last admin.
    """
    user = find_user(site, username)
    with transaction(site.db):
        hold_admins(site)
        _change(site, user, is_active=is_active)
        drop_tickets(site, user.id)
        require_an_admin(user)
    action = "user.disable" if not is_active else "user.enable"
    record(site, action, actor=actor, subject=user.username, category="admin", address=address, detail=reason)


def fold(name: str) -> str:
    """The form in which names are compared: NFKC, case folded, without space around.

    What is longer than any name comes back cut and as it is, which equals no name that is kept: normalising takes
    time by the square of a run of combining marks, and no other thread runs meanwhile.
    """
    if len(name) > LONGEST:
        return name[: LONGEST + 1]
    # Twice: what case folding takes apart would otherwise be another name than the same letters typed whole.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def _stored_password(identifier: str) -> tuple[str | None, str | None]:
    """The id and the password hash of whoever has this name or email; None twice for nobody.

    One row comes back in either case: to make a User of it, or peewee's error that there is none, takes a tenth of a
    millisecond, by which known names could be told from unknown ones.
    """
    one = _known_as("" if len(identifier) > LONGEST or "\0" in identifier else identifier)
    query: Any = User.select(fn.MAX(User.id), fn.MAX(User.password_hash)).where(one).tuples()
    user_id, stored = next(iter(query))
    return user_id, stored


def _look_up(identifier: str) -> User | None:
    """The user of this name or email; nobody for what can be neither."""
    if len(identifier) > LONGEST or "\0" in identifier:
        return None
    found: User | None = User.get_or_none(_known_as(identifier))
    return found


def _known_as(identifier: str) -> Any:
    """The condition for the account of this name or address, its domain in either spelling."""
    folded = fold(identifier)
    return (User.username_key == folded) | User.email_key.in_([folded, fold(ascii_domain(identifier))])


def _an_imported_hash() -> str | None:
    """A bcrypt hash that is still there; None when all accounts have today's."""
    query: Any = User.select(User.password_hash).where(is_bcrypt(User.password_hash)).limit(1).tuples()
    return next((stored for (stored,) in query), None)


def hold_admins(site: Site) -> None:
    """Let admins change one at a time, until the transaction ends: two who demote each other would leave nobody.

    SQLite's transactions wait for each other as they are.
    """
    if not is_sqlite(site.db):
        list(User.select(User.id).where(User.is_admin).order_by(User.id).for_update())


def require_an_admin(changed: User) -> None:
    """Undo a change (by raising Conflict inside its transaction) that leaves the server without an admin."""
    stays = User.is_admin & User.is_active & User.delete_scheduled_for.is_null()
    if changed.is_admin and not User.select(User.id).where(stays).exists():
        raise Conflict(f"{changed.username} is the only admin. Make somebody else an admin first.")


def _change(site: Site, user: User, **values: object) -> None:
    changed = {**values, "epoch": User.epoch + 1, "updated_at": site.clock.now()}
    User.update(changed).where(User.id == user.id).execute()


def insert_user(
    site: Site,
    *,
    username: str,
    email: str,
    password_hash: str | None,
    is_admin: bool = False,
    plan: str | None = None,
    is_verified: bool = True,
) -> User:
    """The row of a new account, its names checked. For use cases that make accounts, inside their transaction.

    Args:
        password_hash: None for somebody who comes in another way.
        plan: None for the one of the settings.
        is_verified: the address is known to be theirs; otherwise nobody signs in before it was confirmed.
    Raises: Invalid, NameReserved, NameTaken with the field that is at fault.
    """
    username, email = username.strip(), check_email(email)
    if not _USERNAME.fullmatch(username):
        raise Invalid("A username has 1 to 50 letters, digits, dots, dashes or underscores.", field="username")
    if is_reserved(username) or (looks_reserved(username) and not is_admin):
        raise NameReserved("This username is reserved. Take another one.", field="username")
    now = site.clock.now()
    shapes = {"username_shape": username_shape(username), "email_shape": email_shape(email)}
    for field, taken in (
        ("username", (User.username_key == fold(username)) | (User.username_shape == shapes["username_shape"])),
        ("email", (User.email_key == fold(email)) | (User.email_shape == shapes["email_shape"])),
    ):
        if User.select(User.id).where(taken).exists():
            raise NameTaken(f"This {field} is taken, or looks like one that is. Take another one.", field=field)
    try:
        return User.create(
            username=username,
            username_key=fold(username),
            email=email,
            email_key=fold(email),
            **shapes,
            password_hash=password_hash,
            is_admin=is_admin,
            is_verified=is_verified,
            plan=plan or site.config.default_plan,
            created_at=now,
            updated_at=now,
        )
    except IntegrityError as error:
        raise NameTaken("This username or email is taken. Take another one.", field="username") from error


def check_email(email: str) -> str:
    """An address in the form to keep: NFC, without space around, the domain in ASCII. Raises Invalid, field `email`."""
    if len(email) > LONGEST:
        raise Invalid("This is no email address.", field="email")
    email = ascii_domain(unicodedata.normalize("NFC", email.strip()))
    if not _EMAIL.fullmatch(email) or not is_visible(email) or not email.rpartition("@")[2].isascii():
        raise Invalid("This is no email address.", field="email")
    return email


def ascii_domain(email: str) -> str:
    """An address with its domain as it stands in the DNS (IDNA 2008, RFC 5891); as it is where that cannot be.

    Otherwise one mailbox would have two addresses, and most mail servers would take neither.
    """
    local, at, domain = email.rpartition("@")
    if not at or domain.isascii():
        return email
    import idna

    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except (idna.IDNAError, UnicodeError):
        return email


def checked_hash(password: str, *known: str) -> str:
    """The hash of a new password, after `check_new_password`. Slow on purpose. Raises Invalid."""
    check_new_password(password, *known)
    return hash_password(password)


def _setup_code_path(site: Site) -> Path:
    return site.config.data / "setup-code"


def _plain_code(code: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", code.upper())
