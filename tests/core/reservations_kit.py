"""What the tests of links before their bytes share: devices, what they hold, and filling it."""

from __future__ import annotations

from bulletdrop.core.drops import reservations
from bulletdrop.core.models import Upload, User
from bulletdrop.core.people import keys
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from tests.core.drops_kit import keep

SCOPES = ["uploads:read", "uploads:write", "uploads:delete"]


def device(site: Site, owner: Caller, name: str = "laptop") -> Caller:
    """Another key of somebody's."""
    _, plain = keys.create_key(site, User.get_by_id(owner.user_id), name=name, scopes=SCOPES, device_name=name)
    return keys.check_key(site, plain)


def held(site: Site, caller: Caller) -> str:
    """A slug that the device holds."""
    return reservations.reserve(site, caller, 1)[0].slug


def fill(site: Site, caller: Caller, slug: str, data: bytes | None = None, **wishes: object) -> Upload:
    """An upload that names the slug."""
    return keep(site, caller, data, slug=slug, **wishes)  # type: ignore[arg-type]
