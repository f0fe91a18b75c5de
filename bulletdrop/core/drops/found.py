"""Found: the drop at a public address, and who may see it."""

from __future__ import annotations

from typing import Any

from bulletdrop.core.drops.rows import LIVE, joined, put_into_trash, with_tags
from bulletdrop.core.models import Team, TeamMember, Upload, User
from bulletdrop.core.names.chosen import MAIN, find_chosen
from bulletdrop.core.names.places import MAIN_PLACE, Place
from bulletdrop.core.names.urls import token_fits
from bulletdrop.core.people import teams
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound, TooMany

_NO_LINK = "This deletion link does not work. The drop may be gone already."


def find_public(site: Site, name: str, ext: str | None = None, *, place: Place = MAIN_PLACE) -> Upload:
    """The drop at `/{name}` or `/{name}.{ext}`: by slug, else by custom name. Not in the trash, not expired.

    A name that the drop had before, and that still leads on, finds it too: see `leads_on`. Whether the asker may see
    it is `may_see`'s to say.

    Args:
        place: the host that was asked. On a domain its own drops are found, elsewhere all by slug, and those with a
            custom name of the main address.
    Raises: NotFound.
    """
    found = joined().where((Upload.slug == name) & LIVE & _within(place)).first()
    if found is None:
        chosen = find_chosen(site, name, domain_key=place.domain_key)
        if chosen is not None and chosen.upload_id is not None:
            found = joined().where((Upload.id == chosen.upload_id) & LIVE & _of_person(place)).first()
    if found is not None and ext is not None and not same_ending(ext, found.blob.ext):
        found = None
    return _alive(site, found)


def find_page(site: Site, name: str, *, place: Place = MAIN_PLACE) -> Upload:
    """The drop whose page is at `/{name}`. As `find_public`, but `name.ext` is nobody's page where `name` is a drop's.

    That drop may be private, expired or in the trash: its direct link must not lead to somebody else's.
    """
    stem = name.rpartition(".")[0]
    if stem and (
        Upload.select(Upload.id).where(Upload.slug == stem).exists()
        or find_chosen(site, stem, domain_key=place.domain_key) is not None
    ):
        return _alive(site, None)
    return find_public(site, name, place=place)


def find_by_id(site: Site, upload_id: str, *, place: Place = MAIN_PLACE) -> Upload:
    """The drop with this id, not in the trash, not expired; on a domain its own alone. Raises NotFound."""
    return _alive(site, joined().where((Upload.id == upload_id) & LIVE & _within(place)).first())


def leads_on(upload: Upload, name: str, *, place: Place = MAIN_PLACE) -> bool:
    """True when a drop was found by a name that it was given up for another, or has on another domain now.

    Such a link leads on for as long as its owner wished, but its page is elsewhere.

    Args:
        name: as it was asked for, without the ending of the bytes.
        place: where it was asked for.
    """
    if name == upload.slug:
        return False
    has_it = upload.custom_name is not None and fold(upload.custom_name) == fold(name)
    return not has_it or (upload.domain_id or MAIN) != place.domain_key


def find_by_user_and_filename(site: Site, username: str, filename: str) -> Upload:
    """The newest drop of this name in this person's own gallery; a private one hides no public one. Raises NotFound."""
    own = (User.username_key == fold(username)) & Upload.team.is_null()
    query = joined().where(own & (Upload.filename == filename) & LIVE)
    return _alive(site, query.order_by(Upload.is_public.desc(), Upload.created_at.desc()).first())


def may_see(site: Site, caller: Caller | None, upload: Upload) -> bool:
    """True for a public drop, for its owner, and for everybody in its team. Asks the database for a team's alone."""
    return upload.is_public or is_one_of_theirs(site, caller, upload)


def same_ending(asked: str, kept: str) -> bool:
    """True when an ending in a link fits the one of the bytes; `jpeg` is `jpg`."""
    return {"jpeg": "jpg", "tif": "tiff"}.get(asked.lower(), asked.lower()) == {"jpeg": "jpg"}.get(kept, kept)


def find_by_token(site: Site, slug: str, token: str) -> Upload:
    """The drop of a deletion link, trashed or not. Raises NotFound, also for a wrong token.

    The link of a team's drop works as long as whoever brought it may still delete it.
    """
    upload: Upload | None = joined().where(Upload.slug == slug).first()
    if upload is None or not token_fits(site, upload, token):
        raise NotFound(_NO_LINK)
    if upload.team is not None:
        sender = Caller(upload.owner_id, upload.owner.username, is_admin=False)
        if upload.team.delete_scheduled_for is not None or not teams.may_change(site, sender, upload):
            raise NotFound(_NO_LINK)
    return with_tags([upload])[0]


def delete_by_token(site: Site, slug: str, token: str) -> Upload:
    """Put the drop of a deletion link into the trash, whoever asks. Raises NotFound."""
    upload = find_by_token(site, slug, token)
    put_into_trash(site, upload, actor=None)
    return find_by_token(site, slug, token)


def is_one_of_theirs(site: Site, caller: Caller | None, upload: Upload) -> bool:
    """True for a drop's owner, and for everybody in its team. Asks the database for a team's drop alone."""
    if caller is None or not caller.may("uploads:read"):
        return False
    if upload.team_id is None:
        return caller.user_id == upload.owner_id
    return teams.role_in(site, upload.team_id, caller.user_id) is not None


def is_theirs_at(site: Site, caller: Caller | None, slug: str) -> bool:
    """As `is_one_of_theirs`, of the drop with this slug, and False where none can be shown: one query for all of it."""
    if caller is None or not caller.may("uploads:read"):
        return False
    team_ids = TeamMember.select(TeamMember.team).join(Team)
    team_ids = team_ids.where((TeamMember.user == caller.user_id) & Team.delete_scheduled_for.is_null())
    mine = ((Upload.owner == caller.user_id) & Upload.team.is_null()) | Upload.team.in_(team_ids)
    shown = LIVE & (Upload.expires_at.is_null() | (Upload.expires_at > site.clock.now()))
    return bool(Upload.select(Upload.id).where((Upload.slug == slug) & mine & shown).exists())


def payer_of(upload: Upload) -> User | Team:
    """The account that a drop counts for: its team, else its owner."""
    return upload.owner if upload.team is None else upload.team


def is_silent(site: Site, upload: Upload) -> bool:
    """True when the month's bandwidth of the account is used up: only its own people see the drop now."""
    until = payer_of(upload).silent_until
    return until is not None and until > site.clock.now()


def check_not_silent(site: Site, caller: Caller | None, upload: Upload) -> None:
    """Raise TooMany, with the time until the next month, when the asker may not see a silent drop."""
    until = payer_of(upload).silent_until
    if until is not None and is_silent(site, upload) and not is_one_of_theirs(site, caller, upload):
        wait = (until - site.clock.now()).total_seconds()
        message = "This picture's owner has used up the month's bandwidth."
        raise TooMany(message, title="Not to be seen this month", retry_after=wait)


def _within(place: Place) -> Any:
    """The condition for the drops that a host may show at all."""
    if place.kind != "domain":
        return True
    return (Upload.domain == place.domain_key) & _of_person(place)


def _of_person(place: Place) -> Any:
    return True if place.user_id is None else Upload.owner == place.user_id


def _alive(site: Site, upload: Upload | None) -> Upload:
    gone = upload is None or (upload.expires_at is not None and upload.expires_at <= site.clock.now())
    if upload is None or gone or not _is_given_out(upload):
        raise NotFound("There is nothing at this address. The link may be mistyped, expired or taken back.")
    return upload


def _is_given_out(upload: Upload) -> bool:
    """False while whose it is waits for deletion or is blocked: nothing of them is shown, not even to themselves.

    A team's drop is the team's, not that of whoever brought it. When they are blocked or leave, it stays to be seen,
    as it stays when they are taken out of the team; what should not be seen the team's admins, or the server's, hide.
    """
    if upload.team is not None:
        return upload.team.delete_scheduled_for is None
    return upload.owner.is_active and upload.owner.delete_scheduled_for is None
