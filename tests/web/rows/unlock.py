"""Whom the form lets in that asks for the password of something shared: everybody, and then the password decides."""

from __future__ import annotations

from tests.web.rows.row import everybody

PAGES = {"POST /unlock": everybody(401)}
