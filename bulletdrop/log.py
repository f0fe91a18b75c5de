"""JSON log lines: one object a line, with the request's id, and with secrets masked."""

from __future__ import annotations

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import IO

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

# What must never reach a log, by shape: our keys, JWTs, and the value after a telling name.
_KEY = re.compile(r"\bbd_[A-Za-z0-9_-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_NAMED = re.compile(
    r"""(?i)(["']?\b(?:password|passphrase|authorization|cookie|secret|token|refresh_token|access_token|api[_-]?key)\b"""
    r"""["']?\s*[:=]\s*["']?)(?:bearer\s+)?[^\s"',;&}]+"""
)
_URL_PASSWORD = re.compile(r"(\w+://[^\s:/@]+:)[^\s@/]+(@)")

_OWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}


def mask(text: str) -> str:
    """The text with keys, tokens, passwords and URL passwords replaced by `***`."""
    text = _KEY.sub("bd_***", text)
    text = _JWT.sub("***", text)
    text = _URL_PASSWORD.sub(r"\1***\2", text)
    return _NAMED.sub(r"\1***", text)


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: time, level, noun, message, request_id, and what `extra` brought."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "noun": record.name.removeprefix("bulletdrop."),
            "message": mask(record.getMessage()),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        for name, value in vars(record).items():
            if name not in _OWN and not name.startswith("_"):
                line[name] = mask(value) if isinstance(value, str) else value
        if record.exc_info:
            line["trace"] = mask(self.formatException(record.exc_info))
        # The name of a file need be no UTF-8: its line is written all the same.
        return json.dumps(line, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()


def get_logger(noun: str) -> logging.Logger:
    """The logger of one noun, such as `uploads` or `watcher`."""
    return logging.getLogger(f"bulletdrop.{noun}")


def set_up_logging(*, level: str = "info", stream: IO[str] | None = None) -> None:
    """Send the program's lines, and warnings of the libraries, as JSON to `stream` (default: standard error)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bulletdrop").setLevel(level.upper())
