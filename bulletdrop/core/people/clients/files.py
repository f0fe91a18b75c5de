"""Files for clients that are told of a server by a table: .sxcu, .iscu, a configuration for curl, values to type."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bulletdrop.core.people.clients.kinds import Values

# The format that the files are written in. ShareX changes those of 13.7.1 and older, and breaks what is new in them.
_SHAREX_VERSION = "15.0.0"


def sharex(values: Values) -> str:
    """A custom uploader of ShareX for pictures, texts and files."""
    return _sxcu(
        values,
        "ImageUploader, TextUploader, FileUploader",
        "/api/v1/uploads",
        Body="MultipartFormData",
        # Texts are taken where pastes are, whatever types of file the server takes.
        Arguments={"paste": "true"},
        FileFormName="file",
        URL="{json:link}",
        ThumbnailURL="{json:thumbnail_url}",
        DeletionURL="{json:deletion_url}",
    )


def sharex_links(values: Values) -> str:
    """A custom uploader of ShareX that makes short links."""
    return _sxcu(
        values, "URLShortener", "/api/v1/short-links", Body="JSON", Data='{"url":"{input}"}', URL="{json:short_url}"
    )


def _sxcu(values: Values, destinations: str, path: str, **fields: Any) -> str:
    made = {
        "Version": _SHAREX_VERSION,
        "Name": values.label,
        "DestinationType": destinations,
        "RequestMethod": "POST",
        "RequestURL": f"{values.base}{path}",
        "Headers": {"Authorization": f"Bearer {values.key}", "Accept": "application/json"},
        **fields,
        # Ours says what happened and what to do, in one shape whatever went wrong.
        "ErrorMessage": "{json:error.message}",
    }
    return _json(made)


def ishare(values: Values) -> str:
    """A custom uploader of ishare 4."""
    made = {
        "name": values.label,
        "requestURL": f"{values.base}/api/v1/uploads",
        "headers": {"Authorization": f"Bearer {values.key}", "Accept": "application/json"},
        "fileFormName": "file",
        "requestBodyType": "multipartFormData",
        "responseURL": "{{link}}",
    }
    return _json(made)


def curl(values: Values) -> str:
    """A configuration for `curl -K`: the key stands in a file and not in a line that every process can read."""
    head = f"# {values.label}: curl -K bulletdrop.curl -F file=@picture.png"
    rows = {
        "url": f"{values.base}/api/v1/uploads",
        "header": f"Authorization: Bearer {values.key}",
    }
    lines = [f'{name} = "{_escaped(value)}"' for name, value in rows.items()]
    lines += ['header = "Accept: application/json"', 'form = "paste=true"', "silent", "show-error"]
    return "\n".join([head, *lines]) + "\n"


def ios(values: Values) -> str:
    """What is typed into a shortcut."""
    rows = (
        ("URL", f"{values.base}/api/v1/uploads"),
        ("Method", "POST"),
        ("Header", f"Authorization: Bearer {values.key}"),
        ("Request Body", "Form"),
        ("Field", "file (File): Shortcut Input"),
        ("Then", "Get Dictionary Value: link, then Copy to Clipboard"),
    )
    return f"{values.label}\n\n" + "".join(f"{name + ':':<14}{value}\n" for name, value in rows)


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, indent=2) + "\n"


def _escaped(text: str) -> str:
    """Text within the quotes of curl's configuration (curl(1), `--config`)."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
