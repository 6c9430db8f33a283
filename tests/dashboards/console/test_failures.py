"""What a page says when something fails that nobody foresaw."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from watchkeeper.cli.console import filled
from watchkeeper.dashboards.console.pages.control import LENGTHS

SECRET = "what a customer wrote"


def test_what_nobody_foresaw_is_told_without_what_agents_wrote(
    browse: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError(SECRET)

    kind = type(filled.filled_sources("http://127.0.0.1:1/none", "127.0.0.1:1").policies)
    monkeypatch.setattr(kind, "uses", fail)
    with caplog.at_level(logging.ERROR):
        answer = browse.get("/policies")
    assert answer.status == 500
    assert "nobody foresaw (ValueError)" in answer.text
    assert 'href="/sessions"' in answer.text, "the menu is still there"
    (record,) = [one for one in caplog.records if one.name == "watchkeeper.console"]
    assert record.getMessage().startswith("GET /policies failed: ValueError at test_failures.py:")
    assert SECRET not in answer.text + caplog.text
    monkeypatch.undo()
    assert browse.get("/policies").status == 200


def test_a_form_that_failed_does_not_say_that_nothing_was_done(browse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ValueError(SECRET)

    kind = type(filled.filled_sources("http://127.0.0.1:1/none", "127.0.0.1:1").control)
    monkeypatch.setattr(kind, "give", fail)
    told = {"target": "a", "tenant": "default", "reason": "why", "who": "ada"}
    answer = browse.post("/control/give", kind="agent", action="terminate", length=next(iter(LENGTHS)), **told)
    assert answer.status == 500
    assert "Whether it was done is not known" in answer.text
