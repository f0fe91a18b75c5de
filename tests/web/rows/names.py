"""Whom the pages of names and links let in."""

from __future__ import annotations

from tests.web.rows.row import page, persons_page

PAGES = {
    "GET /drops/<upload_id:str>/change": page(302, 200, 404, 200, 404, reader=403),
    "POST /drops/<upload_id:str>/change": page(302, 303, 404, 303, 404, reader=403, form={"do": "text", "title": "x"}),
    "GET /account/links": persons_page(200),
    "POST /account/links": persons_page(303, form={"do": "names", "slug_style": "words"}),
}
