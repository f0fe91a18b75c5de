"""Who is asking: a signed-in person or a key, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from bulletdrop.errors import Forbidden, MissingScope

# What a key may be given. A signed-in person has all of them that are not `admin`, and that one by being an admin.
SCOPES: tuple[str, ...] = (
    "uploads:read",
    "uploads:write",
    "uploads:delete",
    "links:read",
    "links:write",
    "secrets:read",
    "secrets:write",
    "account:read",
    "admin",
)


@dataclass(frozen=True)
class Rate:
    """A limit by the hour: whose it is ("key" or "plan"), what it is counted under, and how many requests it allows."""

    policy: str
    counter: str
    most: int


@dataclass(frozen=True)
class Caller:
    """The one who asks. `scopes` is None for a signed-in person: everything that the person may do.

    Exactly one of `session_id` and `key_id` is set; both are None for the command line on the server itself.
    """

    user_id: str
    username: str
    is_admin: bool
    scopes: frozenset[str] | None = None
    session_id: str | None = None
    key_id: str | None = None
    # The limits that the caller's requests to the API count under.
    rates: tuple[Rate, ...] = ()

    def may(self, scope: str) -> bool:
        """True when the caller has the scope. `admin` needs an admin behind it, whatever the key says."""
        if scope == "admin" and not self.is_admin:
            return False
        return self.scopes is None or scope in self.scopes

    def needs(self, scope: str) -> None:
        """Raise MissingScope, naming the scope, when the caller has it not."""
        if not self.may(scope):
            raise MissingScope(f"This key may not do that: it lacks “{scope}”. Make a key that has it.")

    def needs_person(self) -> None:
        """Raise Forbidden for keys: some things only a signed-in person does, such as making keys."""
        if self.key_id is not None:
            raise Forbidden("Only a signed-in person can do this, not a key.")
