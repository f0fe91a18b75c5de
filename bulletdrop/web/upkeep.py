"""Is it alive, is it ready: for supervisors, proxies, the tray and `doctor`."""

from __future__ import annotations

import shutil

import apsw
import msgspec
import PIL
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop import __version__
from bulletdrop.core.models import new_id
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError
from bulletdrop.web.bodies import json_answer
from bulletdrop.web.context import App, web_of
from bulletdrop.web.threads import in_thread


def attach(app: App) -> None:
    """Register both addresses."""
    app.add_route(health, "/health", methods=["GET"], name="health")
    app.add_route(ready, "/ready", methods=["GET"], name="ready")


async def health(request: Request) -> HTTPResponse:
    """The process answers. Asks neither database nor disk."""
    body = {"status": "ok", "instance": web_of(request).instance, "version": __version__}
    return HTTPResponse(msgspec.json.encode(body), content_type="application/json")


async def ready(request: Request) -> HTTPResponse:
    """Uploads and views would work now: database, storage and free disk. 200, else 503."""
    try:
        checks = await in_thread(request, _checks)
    except BulletDropError as error:
        checks = {"database": error.message}
    good = all(value == "ok" for value in checks.values())
    body = {
        "status": "ok" if good else "not_ready",
        "checks": checks,
        "versions": {"bulletdrop": __version__, "sqlite": apsw.sqlite_lib_version(), "pillow": PIL.__version__},
    }
    return json_answer(body, status=200 if good else 503)


def _checks(site: Site) -> dict[str, str]:
    site.db.execute_sql("SELECT 1")
    return {"database": "ok", "storage": _storage(site), "disk": _disk(site)}


def _storage(site: Site) -> str:
    probe = site.temporary / f"{new_id()}.probe"
    try:
        probe.write_bytes(b"ok")
        probe.unlink(missing_ok=True)
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    return "ok"


def _disk(site: Site) -> str:
    free = shutil.disk_usage(site.temporary).free
    least = site.config.min_free_disk
    return "ok" if free >= least else f"{free} bytes are free, {least} are needed"
