"""Runs a demo: warm-up, fleet, and waiting until everything has come out at the other end."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from watchkeeper.cli.demo.picture import Picture
from watchkeeper.cli.demo.report import Report
from watchkeeper.cli.demo.stack_in_use import StackInUse, worker_state
from watchkeeper.cli.demo.store import RunStore
from watchkeeper.cli.store import open_store
from watchkeeper.producers.fleet.cast import Cast
from watchkeeper.producers.fleet.fleet import Fleet, Part, Plan
from watchkeeper.producers.fleet.ledger import Ledger
from watchkeeper.producers.fleet.matching import Seen, Tally, compare
from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.producers.fleet.wiring import over_kafka
from watchkeeper.schemas.errors import StackError
from watchkeeper.schemas.model import to_us

SESSIONS: Final = 180
"""So many that the run takes about a minute; scenarios of several sessions count once."""

AT_ONCE: Final = 5
POLL_SECONDS: Final = 0.25
WARM_UP_SECONDS: Final = 90.0
"""How long the first session may take to come out: a worker's first join of its group takes seconds."""

SETTLE_SECONDS: Final = 60.0
"""How long the rest may take, once the fleet has ended."""

FLUSH_SECONDS: Final = 10.0
QUIET_SECONDS: Final = 2.0
MISSED_SECONDS: Final = 15.0
"""Stage 2 has taken everything in when it has written nothing for so long; while something is still missed, longer."""


def run_demo(plan: Plan, stack: StackInUse, picture: Picture) -> Report:
    """Plays the fleet against a stack and compares what was injected with what was found.

    Raises:
        StackError: the stack takes events and nothing comes out.
        StoreUnavailableError: ClickHouse does not answer.
    """
    tenant = f"demo-{secrets.token_hex(3)}"
    with quiet_recorder(stack.logs / "fleet.log"), open_store(stack.dsn) as store:
        cast = Cast(over_kafka(stack.bootstrap, tenant), Pace())
        demo = Demo(plan, tenant, cast, RunStore(store, tenant), picture)
        try:
            report = demo.run()
        except StackError as error:
            raise StackError(f"{error}. {worker_state(stack.home)}The logs are in {stack.logs}") from error
        finally:
            cast.pace.call_off()
            cast.close()
    stack.failed = not report.passed
    return report


class Demo:
    """One run."""

    def __init__(self, plan: Plan, tenant: str, cast: Cast, store: RunStore, picture: Picture) -> None:
        self._plan = plan
        self._tenant = tenant
        self._cast = cast
        self._store = store
        self._picture = picture
        self._ledger = Ledger()
        self._fleet = Fleet(cast, self._ledger, AT_ONCE)
        self._ended: Counter[str] = Counter()
        self._total: Counter[str] = Counter(part.scenario.chapter for part in plan.parts)
        self._shown: set[str] = set()
        self._seen: list[Seen] = []
        self._unsettled: list[str] = []
        self._heard = (0, 0)
        self._heard_at = 0.0
        self._seconds: dict[str, float] = {}

    def run(self) -> Report:
        """All phases, one after the other."""
        self._fleet.expect(self._plan)
        warm_up = min(self._plan.parts, key=lambda part: part.scenario.chapter != "everyday")
        with self._phase("warm-up", "Waiting for the first session to come out at the other end"):
            self._play([warm_up])
            self._await(self._settled, WARM_UP_SECONDS)
            if self._unsettled:
                raise StackError(f"a session went in, and its end did not come out within {WARM_UP_SECONDS:.0f} s")
        with self._phase("fleet", f"{len(self._plan.parts)} runs of {len(self._plan.scenarios)} scenarios"):
            self._play([part for part in self._plan.parts if part is not warm_up])
        with self._phase("settling", "Waiting for the last findings"):
            self._cast.flush(FLUSH_SECONDS)
            self._await(self._settled, SETTLE_SECONDS)
        return self._report()

    def _play(self, parts: Sequence[Part]) -> None:
        """Plays in threads of the fleet's own, and looks for findings meanwhile."""
        failures: list[BaseException] = []
        over = threading.Event()

        def play() -> None:
            try:
                self._fleet.play(parts, self._part_ended)
            except BaseException as error:  # noqa: BLE001 - it is raised again below, in the thread that waits
                failures.append(error)
            finally:
                over.set()

        thread = threading.Thread(target=play, name="fleet", daemon=True)
        thread.start()
        try:
            while not over.wait(POLL_SECONDS):
                self._look()
        except BaseException:
            self._cast.pace.call_off()
            raise
        self._look()
        if failures:
            raise failures[0]

    def _part_ended(self, part: Part) -> None:
        self._ended[part.scenario.chapter] += 1

    def _look(self) -> None:
        """Shows what is new."""
        self._seen = self._store.findings()
        for seen in self._seen:
            if seen.finding_id not in self._shown:
                self._shown.add(seen.finding_id)
                self._picture.finding(seen)
        for entry in self._ledger.entries():
            mark = f"stopped {entry.session_id}"
            if entry.stopped_us is not None and mark not in self._shown:
                self._shown.add(mark)
                breaches = [to_us(one.last_event_at) for one in self._seen if one.session_id == entry.session_id]
                self._picture.stopped(entry, (entry.stopped_us - max(breaches)) / 1_000_000 if breaches else None)
        self._picture.progress(self._ended, self._total)

    def _await(self, settled: Callable[[], bool], seconds: float) -> None:
        """Looks until nothing can come any more, or the time is over."""
        deadline = time.monotonic() + seconds
        while not settled() and time.monotonic() < deadline:
            self._look()
            # Nothing tells us when ClickHouse has something new.
            time.sleep(POLL_SECONDS)
        self._look()

    def _settled(self) -> bool:
        """Whether all that was played has been judged, in both stages.

        Findings are stored before the state that says that their session is over, so nothing comes after it.
        """
        entries = self._ledger.entries()
        sessions = self._store.sessions()
        over = {row.session_id for row in sessions.values() if row.status != "open"}
        self._unsettled = [entry.session_id for entry in entries if entry.session_id not in over]
        if self._unsettled:
            return False
        # Of days ago nothing is left in stage 2's count of the last hour.
        begun = Counter(entry.agent for entry in entries if not entry.past)
        return self._store.counted(begun) == dict(begun) and self._is_quiet()

    def _is_quiet(self) -> bool:
        """Whether stage 2 has had nothing to write for a while: what it finds over sessions comes last."""
        heard, now = self._store.heard(), time.monotonic()
        if heard != self._heard:
            self._heard, self._heard_at = heard, now
        quiet = now - self._heard_at
        return quiet >= MISSED_SECONDS or (quiet >= QUIET_SECONDS and not self._misses())

    def _misses(self) -> bool:
        played = {entry.scenario for entry in self._ledger.entries()}
        due = [one for one in self._ledger.of_agents() if one.scenario in played]
        tallies = compare(self._ledger.entries(), due, self._seen)
        return any(tally.missing for tally in tallies.values())

    def _report(self) -> Report:
        tallies = compare(self._ledger.entries(), self._ledger.of_agents(), self._seen)
        order = [scenario.name for scenario in REGISTRY]
        ranked = sorted(tallies, key=lambda name: order.index(name) if name in order else len(order))
        ordered: dict[str, Tally] = {name: tallies[name] for name in ranked}
        return Report(
            seed=self._plan.seed,
            tenant=self._tenant,
            tallies=ordered,
            entries=self._ledger.entries(),
            sessions=self._store.sessions(),
            unsettled=self._unsettled,
            losses=self._cast.losses(),
            seconds=self._seconds,
        )

    @contextmanager
    def _phase(self, name: str, what: str) -> Iterator[None]:
        begun = time.monotonic()
        self._picture.phase(what)
        yield
        self._seconds[name] = time.monotonic() - begun


@contextmanager
def quiet_recorder(log: Path) -> Iterator[None]:
    """The recorder's log goes to a file: it must not tear the picture."""
    log.parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("watchkeeper")
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
        logger.propagate = propagated
