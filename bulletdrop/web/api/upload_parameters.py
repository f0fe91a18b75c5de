"""What goes with an upload beside its bytes, as the API's document says it: form fields, parameters, headers."""

from __future__ import annotations

from typing import Any

from bulletdrop.core.drops.uploads import MOST_PER_PAGE
from bulletdrop.core.drops.wishes import LONGEST_DESCRIPTION
from bulletdrop.core.names.slugs import STYLES
from bulletdrop.core.sharing.limits import MOST_VIEWS
from bulletdrop.web.routes import Parameter
from bulletdrop.web.wishes import PASSWORD_HEADER

TEXT: dict[str, Any] = {"type": "string"}
HEADERS = (
    Parameter(
        name="Idempotency-Key",
        where="header",
        about="A repeat with the same key is answered with the first result, whatever bytes it carries.",
        schema={"type": "string", "minLength": 1, "maxLength": 200},
    ),
    Parameter(
        name="X-SHA256",
        where="header",
        about="The file's SHA-256 in hex; other bytes are refused.",
        schema={"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
    ),
    Parameter(
        name="Content-Digest",
        where="header",
        about="RFC 9530: the SHA-256 of the body, or, for a form with one file, of the file.",
        schema=TEXT,
    ),
    Parameter(
        name="X-BulletDrop-Source",
        where="header",
        about="What sent it.",
        schema={"type": "string", "enum": ["web", "tray", "cli", "api"]},
    ),
)
PASSWORD = Parameter(
    name=PASSWORD_HEADER,
    where="header",
    about="Visitors are asked for this password. Never in the address.",
    schema={"type": "string", "maxLength": 1024},
)
TEAM = Parameter(name="team", about="The slug or id of a team that you are in: for its gallery.", schema=TEXT)
WISHES = (
    Parameter(
        name="custom_name", about="A name of your own for the link.", schema={"type": "string", "maxLength": 100}
    ),
    Parameter(
        name="domain",
        about="A domain that you have claimed, for its links; empty for the main address. Left out, your primary one.",
        schema={"type": "string", "maxLength": 253},
    ),
    Parameter(
        name="slug",
        about="One that was handed to this device by /reservations: its link was given away already. For one file.",
        schema={"type": "string", "maxLength": 40},
    ),
    Parameter(
        name="slug_style",
        about="How its short name is made; left out, as your account says. All but random can be guessed.",
        schema={"type": "string", "enum": list(STYLES)},
    ),
    Parameter(
        name="title", about="Shown in the place of the file's name.", schema={"type": "string", "maxLength": 200}
    ),
    Parameter(
        name="description",
        about="A few lines, shown on its page and in previews.",
        schema={"type": "string", "maxLength": LONGEST_DESCRIPTION},
    ),
    Parameter(name="expires_at", about="RFC 3339, a date, or a span such as 12h or 7d.", schema=TEXT),
    Parameter(
        name="max_views",
        about="How often others may look, exactly; then it is gone for them.",
        schema={"type": "integer", "minimum": 1, "maximum": MOST_VIEWS},
    ),
    Parameter(
        name="paste",
        about="A text is kept as a paste, also where this server takes no text files. Nothing to other files.",
        schema={"type": "boolean", "default": False},
    ),
    Parameter(name="is_public", about="Whether everybody with the link may see it.", schema={"type": "boolean"}),
    Parameter(name="tags", about="Separated by commas; may come several times.", schema=TEXT),
    TEAM,
)
FORM = {
    "multipart/form-data": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"description": "One file, or several parts of this name.", "type": "string", "format": "binary"},
            "password": {"type": "string", "maxLength": 1024, "description": "Visitors are asked for it."},
            **{one.name: {**one.schema, "description": one.about} for one in WISHES},
        },
    }
}
LIST = (
    TEAM,
    Parameter(name="trash", about="Those in the trash instead.", schema={"type": "boolean", "default": False}),
    Parameter(name="cursor", about="`next` of the part before.", schema=TEXT),
    Parameter(
        name="limit",
        about="How many at most.",
        schema={"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": 60},
    ),
)
