"""Who may see what is said of a drop: facts, views, its frame, what oEmbed tells. Asked of a private one."""

from __future__ import annotations

from tests.web.rows.row import Page, everybody, page

PAGES: dict[str, Page] = {
    "GET /stats/<upload_id:str>": page(404, 200, 404, 200, 404),
    # Nobody is looked for: what they show is everybody's, and of anything else there is nothing to see.
    "GET /embed/<upload_id:str>": everybody(404),
    "GET /oembed": everybody(400),
}
