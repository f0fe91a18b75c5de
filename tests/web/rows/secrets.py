"""Whom the routes and pages of secrets let in: opening needs no account, all else is their makers' and teams'."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.rows.row import everybody, open_to_all, page, row


def a_secret(server: Server) -> dict[str, str]:
    """A secret of alice's."""
    answer = server.alice.post("/api/v1/secrets", json={"content": "a secret"})
    assert answer.status_code == 201, answer.text
    return {"secret_id": answer.json()["id"], "part": "1"}


ROWS = {
    "get_secrets": row(200, reader=403),
    "post_secrets": row(400, reader=403),
    "get_secrets_secret_id": row(404, alice=200, cookie=200, reader=403, params=a_secret),
    "get_secrets_secret_id_access_log": row(404, alice=200, cookie=200, reader=403, params=a_secret),
    "delete_secrets_secret_id": row(404, alice=204, cookie=204, reader=403, params=a_secret),
    "post_secrets_secret_id_open": open_to_all(200, params=a_secret),
    # Without a pass, whoever asks.
    "post_secrets_secret_id_files_part": open_to_all(410, body={"pass": "nonsense"}, params=a_secret),
}
PAGES = {
    "GET /secrets": page(302, 200, 200, 200, 200, reader=403),
    # An empty form.
    "POST /secrets": page(302, 400, 400, 400, 400, reader=403, form={}),
    "GET /secrets/<secret_id:str>": page(302, 200, 404, 200, 404, reader=403, params=a_secret),
    "POST /secrets/<secret_id:str>": page(302, 303, 404, 303, 404, reader=403, params=a_secret, form={"sure": "yes"}),
    "GET /s/<secret_id:str>": everybody(200, refused=401, params=a_secret),
    "POST /s/<secret_id:str>": everybody(200, refused=401, params=a_secret, form={}),
    "POST /s/<secret_id:str>/files/<part:str>": everybody(410, refused=401, params=a_secret, form={"pass": "x"}),
}
