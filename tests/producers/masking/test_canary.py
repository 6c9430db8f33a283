"""A canary in everything that a host tells is in no file, no `repr`, no exception, no log line and no record."""

from __future__ import annotations

import gc
import logging
import threading
import traceback
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.cli.stack.child import free_port
from watchkeeper.producers import Masked, Watchkeeper
from watchkeeper.producers.losses import Losses
from watchkeeper.producers.masking import PolicyMasker
from watchkeeper.producers.settings import Settings
from watchkeeper.producers.transport import OnDelivery, Record
from watchkeeper.producers.writing.drafts import Filters, MaskFailedError
from watchkeeper.producers.writing.hostqueue import Item
from watchkeeper.schemas.policy import Masking

Make = Callable[..., Watchkeeper]
CANARY = "ghp_" + "Canary7" * 6
BYTES = CANARY.encode()
POLICY = {"masking": {"kinds": ["secret"], "fields": ["*.user_id"]}}


class Showing:
    """An object that JSON does not know."""

    def __repr__(self) -> str:
        return f"<client with {CANARY}>"


def tell(watch: Watchkeeper) -> None:
    """The canary by every way that there is."""
    attributes: dict[str, str | float] = {"note": "n" * 990 + " " + CANARY, CANARY: 1}
    with watch.session(goal=CANARY, intent=CANARY, user_id=CANARY, model=CANARY, attributes=attributes) as s:
        s.annotate(more=CANARY)
        request = s.prompt([{"role": CANARY, "content": CANARY}], system=CANARY, parameters={CANARY: [CANARY]})
        s.reasoning(f'{{"nested": "{{\\"k\\": \\"{CANARY}\\"}}"}}')
        call = s.tool_call("send", {"x": Showing(), "deep": [{"k": {CANARY: CANARY}}], "password": CANARY})
        s.tool_result(call, ValueError(CANARY), error=CANARY)
        s.retrieval(CANARY, [{"id": "d", "content": CANARY, "allowed_groups": [CANARY]}], asker_groups=[CANARY])
        s.checkpoint({"a": CANARY, "b": {"value": 1, "source": CANARY, "source_value": CANARY}})
        s.response("x" * 300_000 + " " + CANARY, request_id=request)
        with s.delegate("child", task=CANARY, scope=[CANARY], constraints={"k": CANARY}) as child:
            child.reasoning(CANARY)
        s.end(reason=CANARY, answer=CANARY)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def files_in(folder: Path) -> Iterator[bytes]:
    return (path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.long
def test_it_is_in_no_file_of_a_spool(tmp_path: Path, make_watch: Make, log: pytest.LogCaptureFixture) -> None:
    settings = Settings(spool_dir=tmp_path, exit_seconds=1.0)
    watch = make_watch(bootstrap=f"127.0.0.1:{free_port()}", policy=POLICY, settings=settings)
    tell(watch)
    watch.close(10)
    kept = b"".join(files_in(tmp_path))
    assert kept.count(b'"type":"session_ended"') == 2
    assert b"[secret:" in kept
    assert BYTES not in kept
    assert CANARY not in log.text


def test_it_is_in_no_record_that_the_broker_receives(
    broker: str, make_watch: Make, log: pytest.LogCaptureFixture, records_of: Callable[..., bytes]
) -> None:
    tenant = f"t-{uuid.uuid4().hex}"
    watch = make_watch(bootstrap=broker, tenant=tenant, policy=POLICY)
    tell(watch)
    assert watch.close(30)
    assert watch.losses() == {}
    received = records_of(broker, tenant)
    assert received.count(b'"type":"session_ended"') == 2
    assert BYTES not in received
    assert CANARY not in log.text


class Stuck:
    """A transport that holds the sender's thread until it is let go."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        del record, on_delivery, give_up
        self.reached.set()
        return self.go.wait(30) and False

    def poll(self) -> None: ...

    def flush(self, seconds: float) -> int:
        del seconds
        return 0

    def close(self, seconds: float) -> None: ...

    def after_fork(self) -> None: ...


def ours_behind(root: object) -> Iterator[object]:
    """All objects of our classes that can be reached."""
    seen, waiting = {id(root)}, [root]
    while waiting:
        one = waiting.pop()
        if type(one).__module__.startswith("watchkeeper.producers"):
            yield one
        for other in gc.get_referents(one):
            if id(other) not in seen and not isinstance(other, type) and type(other).__name__ != "module":
                seen.add(id(other))
                waiting.append(other)


def test_it_is_in_no_repr_of_what_waits(make_watch: Make) -> None:
    stuck = Stuck()
    watch = make_watch(transport=stuck, policy=POLICY, settings=Settings(record_events=1))
    try:
        with watch.session() as first:
            first.reasoning("x")
        assert stuck.reached.wait(30)
        tell(watch)
        found = list(ours_behind(watch))
        assert sum(isinstance(one, Item) for one in found) > 5
        assert [one for one in found if CANARY in repr(one)] == []
    finally:
        stuck.go.set()


class Failing:
    """A masker that tells what it was given."""

    def mask(self, text: str, media_type: str) -> Masked:
        raise RuntimeError(f"{media_type}: {text}")


class Breaking:
    """A masker that answers JSON with none, and the text in it."""

    def mask(self, text: str, media_type: str) -> Masked:
        return Masked(f"{media_type}: {text}!", 1)


@pytest.mark.parametrize("masker", [Failing(), Breaking()], ids=lambda one: type(one).__name__)
def test_it_is_in_no_exception_and_not_behind_one(masker: Any) -> None:
    filters = Filters(masker, Losses())
    filters.begin("tool_call")
    with pytest.raises(MaskFailedError) as caught:
        filters.json(("arguments",), f'"{CANARY}"'.encode(), 1000, "any")
    assert caught.value.__context__ is None
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_an_expression_without_end_does_not_tell_the_text() -> None:
    own = Masking.model_validate({"kinds": [], "patterns": [{"name": "own", "regex": r"\]x"}]})
    with pytest.raises(ValueError, match="matches what it was replaced by") as caught:
        PolicyMasker(own, bytes(32)).mask(CANARY + "]" + "x" * 100, "text/plain")
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("masker", [Failing(), Breaking()], ids=lambda one: type(one).__name__)
def test_what_fails_is_counted_and_told_without_it(
    masker: Any, make_watch: Make, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture, memory: Any
) -> None:
    monkeypatch.delenv("WATCHKEEPER_RAISE")
    watch = make_watch(policy={"masking": {"kinds": [], "fields": ["*.user_id"]}}, masker=masker)
    tell(watch)
    watch.close(10)
    assert watch.losses()["mask_failed"] > 5
    assert BYTES not in b"".join(memory.lines()) or isinstance(masker, Breaking)
    assert CANARY not in log.text
