"""Whom the route and page of pastes let in."""

from __future__ import annotations

from tests.web.rows.row import page, row

ROWS = {"post_pastes": row(201, reader=403, body={"content": "a text"})}

PAGES = {
    "GET /paste": page(302, 200, 200, 200, 200, reader=403),
    "POST /paste": page(302, 303, 303, 303, 303, reader=403, form={"content": "a text"}),
}
