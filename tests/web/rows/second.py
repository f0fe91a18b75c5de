"""Whom the routes of second factors and passkeys let in."""

from __future__ import annotations

from tests.web.rows.row import open_to_all, page, persons_only, persons_page

NO_PROOF = persons_only(403)
NO_PASSKEY = persons_only(404, params=lambda _: {"passkey_id": "nothing"}, body={"name": "x"})

ROWS = {
    "post_account_password": persons_only(403, body={"new_password": "another good one 42"}),
    "get_account_totp": persons_only(200),
    "post_account_totp": NO_PROOF,
    "post_account_totp_confirm": persons_only(409, body={"code": "123456"}),
    "delete_account_totp": NO_PROOF,
    "post_account_recovery_codes": NO_PROOF,
    "get_account_passkeys": persons_only(200),
    "post_account_passkeys_options": NO_PROOF,
    # Under a bare address there are no passkeys.
    "post_account_passkeys": persons_only(503, body={"credential": {}}),
    "patch_account_passkeys_passkey_id": NO_PASSKEY,
    "delete_account_passkeys_passkey_id": persons_only(403, params=lambda _: {"passkey_id": "nothing"}),
    "post_account_passkeys_proof_options": persons_only(503),
    "post_account_passkeys_proof": persons_only(503, body={"credential": {}}),
    "post_auth_passkeys_options": open_to_all(503),
    "post_auth_passkeys": open_to_all(503, body={"credential": {}}),
}

PAGES = {
    # Without half a sign-in it leads to the first step; whoever is signed in goes on.
    "GET /signin/second": page(302, 302, 302, 302, 302, half_cookie=200),
    "POST /signin/second": page(303, 303, 303, 303, 303, half_cookie=401, form={"code": "123456"}),
    "GET /account/security": persons_page(200),
    "POST /account/security/password": persons_page(403),
    "POST /account/security/totp": persons_page(403),
    "POST /account/security/totp/confirm": persons_page(409, form={"code": "123456"}),
    "POST /account/security/totp/off": persons_page(403),
    "POST /account/security/codes": persons_page(403),
    "POST /account/security/passkeys/<passkey_id:str>": persons_page(
        404, params=lambda _: {"passkey_id": "nothing"}, form={"act": "rename", "name": "x"}
    ),
}
