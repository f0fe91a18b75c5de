"""Changing: what a drop is called, where its links are, who may see it, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from peewee import Case, IntegrityError

from bulletdrop.core.database import transaction
from bulletdrop.core.drops import reservations
from bulletdrop.core.drops.languages import check_language
from bulletdrop.core.drops.moving import move
from bulletdrop.core.drops.wishes import check_description, check_free, check_tags, check_title
from bulletdrop.core.expiry import check_expiry
from bulletdrop.core.models import Domain, Upload, UploadTag
from bulletdrop.core.names import domains
from bulletdrop.core.names.chosen import LONGEST_KEPT, MAIN, choose, end_old_names
from bulletdrop.core.names.slugs import check_custom_name
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, Invalid, NameTaken

# Terms as `sharing.limits.check_terms` gives them: a password is hashed before it comes here.
_TERMS = ("password_hash", "max_views")


@dataclass
class Changes:
    """What is to be written.

    values: columns of the drop.
    name, domain_key: the name it is to have and where that counts; `renamed` says whether anything of that is new.
    keep_until: until when the name that it had leads on.
    ends_old: names that lead on to it now no longer do.
    """

    values: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None
    name: str | None = None
    domain_key: str = MAIN
    renamed: bool = False
    keep_until: datetime | None = None
    ends_old: bool = False


def checked(site: Site, caller: Caller, upload: Upload, changes: Mapping[str, Any]) -> Changes:
    """Changes by field, in the form to keep. See `uploads.change_upload` for the fields and what is raised."""
    found = Changes(name=upload.custom_name, domain_key=upload.domain_id or MAIN)
    for name, value in changes.items():
        if name in _CHECKS:
            found.values[name] = _CHECKS[name](value)
        elif name == "tags":
            found.tags = check_tags(tuple(value))
        elif name == "is_public":
            found.values[name] = _check_may_show(upload, bool(value))
        elif name == "expires_at":
            found.values[name] = check_expiry(site, value)
        elif name in _TERMS:
            found.values[name] = value
        elif name == "end_old_names":
            found.ends_old = bool(value)
        elif name not in ("team", "custom_name", "domain", "keep_old_name"):
            raise Invalid(f"“{name}” cannot be changed.", field=name)
    if found.values.get("max_views") is not None:
        # A limit on what had none begins to count now; one that is raised goes on from where it was. What the row holds
        # when it is written decides: the same form sent twice must not give back a view that was taken in between.
        found.values["views"] = Case(None, [(Upload.max_views.is_null(), 0)], Upload.views)
    _check_name(site, caller, upload, changes, found)
    return found


def write(site: Site, upload: Upload, changes: Changes, moved: tuple[Caller, str | None] | None) -> None:
    """Write what was checked, all of it or nothing. Raises NameTaken, and what `moving.move` raises."""
    try:
        with transaction(site.db):
            if moved is not None:
                move(site, moved[0], upload, moved[1])
            if changes.values:
                Upload.update(changes.values).where(Upload.id == upload.id).execute()
                if changes.values.get("is_public"):
                    reservations.release(upload.slug)
            if changes.ends_old:
                end_old_names(upload.id)
            if changes.renamed:
                choose(
                    site,
                    changes.name,
                    upload=upload.id,
                    domain_key=changes.domain_key,
                    keep_until=changes.keep_until,
                )
            if changes.tags is not None:
                UploadTag.delete().where(UploadTag.upload == upload.id).execute()
                for tag in changes.tags:
                    UploadTag.create(upload=upload.id, tag=tag)
    except IntegrityError as error:
        key = changes.domain_key
        if key != MAIN and not Domain.select(Domain.id).where(Domain.id == key).exists():
            raise Invalid("This domain is gone. Choose another one.", field="domain") from error
        raise NameTaken("This name is taken. Take another one.", field="custom_name") from error


def _check_name(site: Site, caller: Caller, upload: Upload, changes: Mapping[str, Any], found: Changes) -> None:
    if "custom_name" in changes:
        wanted = changes["custom_name"]
        found.name = check_custom_name(wanted) if wanted else None
        found.values["custom_name"] = found.name
    if "domain" in changes:
        domain = _domain(site, caller, upload, changes["domain"])
        found.values["domain"] = domain
        found.domain_key = domain.id if domain is not None else MAIN
    found.renamed = (found.name, found.domain_key) != (upload.custom_name, upload.domain_id or MAIN)
    check_free(site, found.name if found.renamed else None, domain_key=found.domain_key, but=upload.id)
    if (until := check_expiry(site, changes.get("keep_old_name"), field="keep_old_name")) is not None:
        if until > site.clock.now() + LONGEST_KEPT:
            raise Invalid("An old link leads on for a year at most.", field="keep_old_name")
        found.keep_until = until


def _domain(site: Site, caller: Caller, upload: Upload, wanted: str | None) -> Domain | None:
    """The domain that a drop is to have; it may stay on one that its owner has given up."""
    if not wanted:
        return None
    if upload.domain is not None and wanted in (upload.domain_id, upload.domain.name):
        return upload.domain
    domain = domains.claimed(site, caller.user_id, wanted)
    domains.check_size(domain, upload.blob.size)
    return domain


def _check_may_show(upload: Upload, is_public: bool) -> bool:
    """What is to be kept as `is_public`. Raises Forbidden for a drop that an admin has hidden."""
    if is_public and upload.hidden_at is not None:
        raise Forbidden("The admin has hidden this drop. Ask them to show it again.", field="is_public")
    return is_public


_CHECKS = {"title": check_title, "description": check_description, "language": check_language}
