"""A Sanic that does nothing with what it gets: `python -m tests.bench.floor_app PORT FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json, raw


def make_app(content: bytes) -> Sanic:  # type: ignore[type-arg]
    """The application. Args: `content`, what /bytes answers."""
    app = Sanic("floor", configure_logging=False)

    @app.get("/health")
    async def health(request: Request) -> HTTPResponse:
        return json({"status": "ok"})

    @app.get("/bytes")
    async def handler(request: Request) -> HTTPResponse:
        return raw(content, content_type="image/webp")

    @app.post("/drain", stream=True)
    async def drain(request: Request) -> HTTPResponse:
        """Read the body to its end and keep nothing."""
        size = 0
        async for piece in request.stream:  # type: ignore[union-attr]
            size += len(piece)
        return json({"size": size}, status=201)

    return app


if __name__ == "__main__":
    make_app(Path(sys.argv[2]).read_bytes()).run(
        host="127.0.0.1", port=int(sys.argv[1]), single_process=True, access_log=False, motd=False
    )
