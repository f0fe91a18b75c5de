"""The doctor's line about mail: asked of a real mail server, and of one that is not there or cannot be trusted."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.support.server import binary, free_port
from tests.support.smtp import mail_server, self_made


def about_mail(data: Path, **settings: str) -> dict[str, str]:
    """What the doctor says of mail, with these settings."""
    environ = {**os.environ, **{f"BULLETDROP_{name.upper()}": value for name, value in settings.items()}}
    command = [*binary(), "doctor", "--json", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=150, check=False)
    (line,) = [finding for finding in json.loads(done.stdout) if finding["name"] == "mail"]
    return dict(line)


def test_no_mail_server_is_no_fault(tmp_path: Path) -> None:
    line = about_mail(tmp_path)
    assert line["level"] == "ok"
    assert "the admin hands links over" in line["what"]


def test_a_mail_server_that_answers_is_well_and_gets_no_mail(tmp_path: Path) -> None:
    with mail_server() as sink:
        settings = {"smtp_host": "127.0.0.1", "smtp_port": str(sink.port), "smtp_security": "none"}
        assert about_mail(tmp_path, **settings, public_url="https://drop.example.org")["level"] == "ok"
        line = about_mail(tmp_path, **settings)
        assert line["level"] == "warn"
        assert "public_url" in line["cure"]
        assert sink.mails == []


def test_a_mail_server_that_is_not_there_is_named_with_the_cure(tmp_path: Path) -> None:
    line = about_mail(tmp_path, smtp_host="127.0.0.1", smtp_port=str(free_port()))
    assert line["level"] == "fail"
    assert "127.0.0.1 cannot be reached" in line["what"]
    assert "smtp_" in line["cure"]


def test_a_certificate_that_nobody_vouches_for_is_a_fault_and_no_password_is_sent(tmp_path: Path) -> None:
    with mail_server(certificate=self_made(tmp_path)) as sink:
        settings = {"smtp_host": "127.0.0.1", "smtp_port": str(sink.port), "smtp_user": "drop"}
        line = about_mail(tmp_path, **settings, smtp_password="canary-4711")
    assert line["level"] == "fail"
    assert "certificate that cannot be trusted" in line["what"]
    assert "canary-4711" not in json.dumps(line)


def test_a_server_without_encryption_is_refused_where_it_was_asked_for(tmp_path: Path) -> None:
    with mail_server() as sink:
        line = about_mail(tmp_path, smtp_host="127.0.0.1", smtp_port=str(sink.port), smtp_security="starttls")
    assert line["level"] == "fail"
    assert "STARTTLS" in line["what"]
