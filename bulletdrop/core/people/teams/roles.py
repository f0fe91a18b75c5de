"""Roles: one table of who stands where in a team, one of what it takes. Nothing else compares roles by name."""

from __future__ import annotations

from bulletdrop.errors import Forbidden, Invalid

OWNER, ADMIN, MEMBER, VIEWER = "owner", "admin", "member", "viewer"

# From the most to the least.
ROLES: tuple[str, ...] = (OWNER, ADMIN, MEMBER, VIEWER)
_RANK = {role: len(ROLES) - place for place, role in enumerate(ROLES)}

# The least role for each right.
RIGHTS: dict[str, str] = {
    "see": VIEWER,
    "upload": MEMBER,
    "change own drops": MEMBER,
    "change all drops": ADMIN,
    "invite": ADMIN,
    "manage members": ADMIN,
    "rename": ADMIN,
    "hand over": OWNER,
    "delete": OWNER,
}

_REFUSALS = {
    "upload": "You may look at this team's drops, but not add any. Ask an admin of the team.",
    "hand over": "Only an owner of the team can hand it over.",
    "delete": "Only an owner of the team can do this.",
}


def may(role: str | None, right: str) -> bool:
    """True when somebody with this role has the right; None is a stranger, who has none."""
    return role is not None and _RANK[role] >= _RANK[RIGHTS[right]]


def require(role: str, right: str) -> None:
    """Raise Forbidden, saying whom to ask, unless the role has the right."""
    if not may(role, right):
        raise Forbidden(_REFUSALS.get(right, "Only an admin or an owner of the team can do this."))


def outranks(role: str, other: str) -> bool:
    """True when `role` may decide over somebody with the role `other`: owners over all, others over who is below."""
    return role == OWNER or _RANK[role] > _RANK[other]


def given_by(role: str) -> tuple[str, ...]:
    """The roles that somebody of this role may give to others by invitation or change. Owners are made by owners."""
    return tuple(other for other in ROLES if may(role, "manage members") and outranks(role, other))


def check_role(role: str) -> str:
    """The role as it is. Raises Invalid for a word that is none."""
    if role not in _RANK:
        raise Invalid(f"A role is one of: {', '.join(ROLES)}.", field="role")
    return role
