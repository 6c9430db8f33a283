"""A look at the whole pipeline: what runs, what answers, what waits, what is wrong and which page says what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from watchkeeper.cli.alerts.telling import UNDELIVERED_PAGE, Telling, router_problem, router_waits, telling_of
from watchkeeper.cli.commands import status_figures as figures
from watchkeeper.cli.commands.status_lag import lag_of_group
from watchkeeper.cli.stack.broker import broker_problem
from watchkeeper.cli.stack.health import health_problem, local_workers
from watchkeeper.cli.stack.status import StackStatus
from watchkeeper.cli.store import open_store
from watchkeeper.schemas.errors import ConfigurationError, WatchkeeperError
from watchkeeper.schemas.topics import EVENTS, PARTITIONS, SCORES, SIGNALS

Verdict = Literal["warn", "fail", "away"]

MOST_LAG: Final = 10_000
LEAST_FREE: Final = 0.1
MOST_PARTS: Final = 1000
LATENCIES: Final = {"watchkeeper_finding_seconds": "event to finding", "watchkeeper_stored_seconds": "event to stored"}
QUANTILES: Final = (0.5, 0.95, 0.99)

_ANSWER_SECONDS: Final = 5
"""Of the store: one that hangs is away."""

_LETTERS: Final = """
SELECT reason, count() AS open, countIf(stored_at > now64(3) - toIntervalHour(1)) AS last_hour
FROM dead_letters FINAL WHERE status = 'open' GROUP BY reason ORDER BY reason
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not as it should be.

    Attributes:
        verdict: `away` is a broker or a store that does not answer, `fail` keeps events from being judged, `warn` is
            for a person to look at.
        page: which runbook says what to do.
    """

    verdict: Verdict
    part: str
    what: str
    page: str = ""


@dataclass(slots=True)
class Look:
    """What was seen.

    Attributes:
        broker: None where nothing says where it is; else why it does not answer, empty where it does.
        store: the same.
        workers: those that live, with what they say of themselves.
        lag: records that are not judged, by topic and partition.
        lag_from: who told of it: the workers, or the broker where there are none.
        latencies: quantiles in seconds.
        window: over which time they and the throughput are taken.
        letters: open dead letters by reason; where the store is away, what workers counted since they began.
        lost: events that producers said they lost in a day (without the store: since the workers began), by reason.
        telling: whether people are told of findings; None where the store does not say.
    """

    stack: StackStatus
    broker: str | None = None
    store: str | None = None
    workers: list[dict[str, Any]] = field(default_factory=list)
    lag: dict[str, dict[int, int]] = field(default_factory=dict)
    lag_from: str = ""
    latencies: list[dict[str, Any]] = field(default_factory=list)
    events: float = 0.0
    window: str = ""
    letters: dict[str, dict[str, int]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    telling: Telling | None = None
    disk: dict[str, float] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)


def look_at(stack: StackStatus, home: Path, bootstrap: str | None, dsn: str | None, group: str) -> Look:
    """Looks at everything; whatever is away is told, and the rest looked at all the same.

    Raises:
        ConfigurationError: the store's address is malformed, or it refuses the user.
    """
    look = Look(stack)
    look.broker = None if bootstrap is None else broker_problem(bootstrap)
    told = figures.from_workers(home)
    stored = _ask_store(look, dsn)
    look.window = "since the workers began" if stored is None else "in the last 5 minutes"
    all_figures = figures.together(stored or {}, told)
    living = figures.alive(all_figures)
    if look.store != "":
        _without_store(look, living)
    _workers(look, home, living)
    _lag(look, living, bootstrap, group)
    _rates(look, all_figures)
    _disks(look, living)
    _judge(look)
    _judge_telling(look, home)
    return look


def _ask_store(look: Look, dsn: str | None) -> figures.Figures | None:
    if dsn is None:
        return None
    try:
        with open_store(dsn, seconds=_ANSWER_SECONDS, slack_seconds=2) as store:
            found = figures.from_store(store)
            for row in store.rows(_LETTERS):
                look.letters[row["reason"]] = {"open": row["open"], "last_hour": row["last_hour"]}
            look.telling = telling_of(store)
            lost = figures.from_store(store, figures.LOSSES_SECONDS, "watchkeeper_lost_events_total")
            _count(look.lost, lost)
    except ConfigurationError:
        raise
    except WatchkeeperError as error:
        look.store = str(error)
        return None
    look.store = ""
    return found


def _without_store(look: Look, living: figures.Figures) -> None:
    for one in figures.named(living, "watchkeeper_dead_letters_total"):
        if one.last:
            letters = look.letters.setdefault(one.labels["reason"], {"open": 0, "last_hour": 0})
            letters["open"] += int(one.last)
    look.lost = {}
    _count(look.lost, {key: one for key, one in living.items() if one.name == "watchkeeper_lost_events_total"})


def _count(lost: dict[str, int], found: figures.Figures) -> None:
    for one in found.values():
        if one.recent:
            lost[one.labels["reason"]] = lost.get(one.labels["reason"], 0) + int(one.recent)


def _workers(look: Look, home: Path, living: figures.Figures) -> None:
    names = {one.worker for one in living.values()}
    here = {str(pid): pid for pid in local_workers(home)}
    for name in sorted(names):
        values = {one.name: one.last for one in living.values() if one.worker == name and not one.labels}
        waiting = [
            one.labels["side"]
            for one in figures.named(living, "watchkeeper_waiting")
            if one.worker == name and one.last
        ]
        pid = here.pop(name.rpartition("/")[2], None)
        look.workers.append(
            {
                "worker": name,
                "ready": bool(values.get("watchkeeper_ready")),
                "stalled": health_problem(home, pid) if pid is not None else "",
                "waiting": sorted(waiting),
                "memory_bytes": values.get("watchkeeper_memory_peak_bytes"),
                "seen_at": max(one.seen_at for one in living.values() if one.worker == name),
            }
        )
    # It runs and gives no figures: whatever it does, it does not answer.
    for pid in here.values():
        stalled = health_problem(home, pid) or "it gives no figures"
        look.workers.append({"worker": f"here/{pid}", "ready": False, "stalled": stalled, "waiting": []})


def _lag(look: Look, living: figures.Figures, bootstrap: str | None, group: str) -> None:
    for one in figures.named(living, "watchkeeper_lag_records"):
        partitions = look.lag.setdefault(one.labels["topic"], {})
        number = int(one.labels["partition"])
        partitions[number] = max(partitions.get(number, 0), int(one.last))
    if look.lag:
        look.lag_from = "workers"
    elif bootstrap is not None and look.broker == "":
        look.lag, look.lag_from = lag_of_group(bootstrap, group, (EVENTS.name, SIGNALS.name, SCORES.name)), "broker"


def _rates(look: Look, all_figures: figures.Figures) -> None:
    look.events = sum(one.recent for one in figures.named(all_figures, "watchkeeper_events_total", topic=EVENTS.name))
    for name, what in LATENCIES.items():
        for topic in (EVENTS.name, SIGNALS.name):
            found = [figures.quantile(all_figures, name, share, topic=topic) for share in QUANTILES]
            if found[0] is not None:
                counted = sum(one.recent for one in figures.named(all_figures, f"{name}_count", topic=topic))
                told = {f"p{share * 100:.0f}_seconds": value for share, value in zip(QUANTILES, found, strict=True)}
                look.latencies.append({"what": what, "topic": topic, "count": int(counted), **told})


def _disks(look: Look, living: figures.Figures) -> None:
    for name in ("disk_bytes", "disk_free_bytes"):
        found = figures.named(living, f"watchkeeper_store_{name}")
        if found:
            look.disk[name] = found[0].last
    for one in figures.named(living, "watchkeeper_store_parts"):
        look.parts[one.labels["table"]] = int(one.last)


def _judge(look: Look) -> None:
    add = look.troubles.append
    if look.broker:
        add(Trouble("away", "broker", look.broker, "docs/runbooks/store-away.md"))
    if look.store:
        add(Trouble("away", "store", look.store, "docs/runbooks/store-away.md"))
    for part in look.stack.parts:
        if look.stack.is_alive and part.state not in {"running", "external"}:
            add(Trouble("fail", part.name, f"{part.state}: {part.detail}".rstrip(": ")))
    if look.broker is None and look.store is None:
        add(
            Trouble(
                "fail",
                "stack",
                look.stack.error or "none runs here: `watchkeeper up`, or give --kafka and --clickhouse",
            )
        )
    elif not look.workers:
        add(Trouble("fail", "worker", "none tells that it lives", "docs/runbooks/stalled-worker.md"))
    for worker in look.workers:
        if worker["stalled"]:
            add(
                Trouble("fail", "worker", f"{worker['worker']}: {worker['stalled']}", "docs/runbooks/stalled-worker.md")
            )
        elif not worker["ready"]:
            add(Trouble("warn", "worker", f"{worker['worker']} is not ready yet"))
    _judge_flow(look)


def _judge_telling(look: Look, home: Path) -> None:
    router = look.stack.part("alerts")
    if look.stack.is_alive and router is not None and router.state == "running" and router.pid:
        problem = router_problem(home, router.pid) or router_waits(home, router.pid)
        if problem:
            look.troubles.append(Trouble("warn", "alerts", f"the router tells nobody: {problem}", UNDELIVERED_PAGE))
    for said in look.telling.problems if look.telling is not None else ():
        look.troubles.append(Trouble("warn", "alerts", said, UNDELIVERED_PAGE))


def _judge_flow(look: Look) -> None:
    add = look.troubles.append
    for topic, partitions in look.lag.items():
        behind = sum(partitions.values())
        if behind > MOST_LAG:
            add(Trouble("warn", "lag", f"{behind} records of {topic} wait", "docs/runbooks/stalled-worker.md"))
        if look.lag_from == "workers" and len(partitions) < PARTITIONS:
            untold = PARTITIONS - len(partitions)
            add(Trouble("warn", "lag", f"{untold} partitions of {topic} are told of by no worker"))
    new = sum(letters["last_hour"] for letters in look.letters.values())
    if new:
        add(Trouble("warn", "dead letters", f"{new} in the last hour", "docs/runbooks/dead-letters.md"))
    if look.lost:
        add(
            Trouble(
                "warn", "lost events", f"{sum(look.lost.values())} told by producers", "docs/runbooks/lost-events.md"
            )
        )
    free, size = look.disk.get("disk_free_bytes", 1.0), look.disk.get("disk_bytes", 1.0)
    if free < LEAST_FREE * size:
        add(Trouble("warn", "store", f"{free / size:.0%} of its disk is free", "docs/runbooks/store-away.md"))
    for table, parts in look.parts.items():
        if parts > MOST_PARTS:
            add(Trouble("warn", "store", f"{parts} parts in one partition of {table}", "docs/runbooks/store-away.md"))
