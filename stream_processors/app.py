"""The Faust app: for each stage an agent, the tick and the commits."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from typing import Any

import faust

from watchkeeper.schemas.topics import EVENTS, MAX_RECORD_BYTES, SCORES, SIGNALS, Topic
from watchkeeper.stream_processors.bus import KafkaBus
from watchkeeper.stream_processors.clock import SystemClock
from watchkeeper.stream_processors.detection.catalogue import default_detectors, default_subject_rules
from watchkeeper.stream_processors.detection.grant_book import GrantBook
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.subjects import SubjectJudge
from watchkeeper.stream_processors.engine.ports import Clock, Store
from watchkeeper.stream_processors.engine.stage import Stage
from watchkeeper.stream_processors.engine.stage_one import StageOne
from watchkeeper.stream_processors.engine.stage_scores import StageScores
from watchkeeper.stream_processors.engine.stage_two import StageTwo
from watchkeeper.stream_processors.fetching import bundling_transport
from watchkeeper.stream_processors.grants import KafkaGrants
from watchkeeper.stream_processors.prices import GenaiPriceBook
from watchkeeper.stream_processors.runner import StageRunner, end_process
from watchkeeper.stream_processors.settings import WorkerSettings
from watchkeeper.stream_processors.store import ClickHouseStore
from watchkeeper.stream_processors.watching.watch import Watch
from watchkeeper.stream_processors.wiring import Wiring

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
COMMIT_SECONDS = 0.5

StagesOf = Callable[[WorkerSettings, Store, Clock], list[tuple[Topic, Stage]]]


def build_app(settings: WorkerSettings, stages: StagesOf | None = None, wiring: Wiring | None = None) -> faust.App:
    """The app with its stages; nothing is connected before it is started.

    Args:
        settings: what the environment says.
        stages: the stages by topic, in place of the product's (a benchmark's ceiling is a stage that only validates).
        wiring: what stands between the engine and its ports.
    """
    wiring = wiring or Wiring()
    app = faust_app(settings)
    clock = wiring.clock(SystemClock())
    watch = Watch(settings.home, settings.watch_port, settings.clickhouse, settings.stall_limits)
    store = watch.store(wiring.store(ClickHouseStore(settings.clickhouse)))
    grants = KafkaGrants(
        settings.bootstrap, GrantBook(settings.grant_key, subject_keys=settings.subject_keys), watch.meters
    )
    made = all_stages(settings, store, clock, grants) if stages is None else stages(settings, store, clock)
    # Each stage has a bus of its own: findings of one must not wait behind a flood of the other.
    runners = [
        StageRunner(
            app,
            topic.name,
            stage,
            bus=watch.bus(topic.name, wiring.bus(topic.name, KafkaBus(settings.bootstrap))),
            store=store,
            clock=clock,
            wiring=wiring,
            watch=watch,
        )
        for topic, stage in made
    ]
    crowded = {runner.topic: runner.is_crowded for runner in runners}
    app.transport = bundling_transport(app, lambda topic: topic in crowded and crowded[topic]())
    for runner in runners:
        _add_agent(app, runner)
    _add_tasks(app, runners, settings, watch)
    if stages is None:
        app.task(_reading(grants))
    return app


def all_stages(settings: WorkerSettings, store: Store, clock: Clock, grants: KafkaGrants) -> list[tuple[Topic, Stage]]:
    """Stage 1 on events, stage 2 on signals, and the keeping of scores."""
    judge = Judge(
        default_detectors(),
        prices=GenaiPriceBook(overrides=settings.prices),
        keys=settings.subject_keys,
        acting=settings.acting,
    )
    subjects = SubjectJudge(default_subject_rules(grants.book), acting=settings.acting)
    return [
        (EVENTS, StageOne(judge, store, clock)),
        (SIGNALS, StageTwo(subjects, store, clock, grants=grants)),
        (SCORES, StageScores(store, clock)),
    ]


def faust_app(settings: WorkerSettings) -> faust.App:
    """The bare app, without agents."""
    home = settings.home / "faust"
    # Faust makes its directory without the parents, and dies.
    home.mkdir(parents=True, exist_ok=True)
    return faust.App(
        settings.group,
        broker=f"kafka://{settings.bootstrap.replace(',', ';kafka://')}",
        datadir=str(home),
        store="memory://",
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        topic_disable_leader=True,
        topic_allow_declare=False,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.5,
        broker_commit_interval=0.5,
        broker_max_poll_records=5000,
        stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=2 * MAX_RECORD_BYTES,
        worker_redirect_stdouts=False,
    )


def _add_agent(app: faust.App, runner: StageRunner) -> None:
    # Acknowledgement off: Faust must commit nothing (`offsets`).
    channel = app.topic(
        runner.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", acks=False
    )

    async def agent(stream: Any) -> None:
        await runner.run(stream)

    app.agent(channel, name=f"watchkeeper.{runner.topic}")(agent)


def _add_tasks(app: faust.App, runners: list[StageRunner], settings: WorkerSettings, watch: Watch) -> None:
    # Each runner has a tick of its own: one that waits for its store must not hold up the other.
    for runner in runners:
        app.task(_ticking(app, runner))

    async def commit() -> None:
        # One after the other: Faust's consumer thread takes two calls at once, and one of them reads.
        while not app.should_stop:
            await asyncio.sleep(COMMIT_SECONDS)
            for runner in runners:
                await runner.commit()

    async def beat() -> None:
        watch.start()
        await watch.beating([runner.bus for runner in runners])

    async def tell_ready() -> None:
        for runner in runners:
            await runner.ready.wait()
        watch.is_ready = True
        if settings.ready_file is not None:
            settings.ready_file.write_text(f"{os.getpid()}\n")
        log.info("ready")

    async def stop(*_: Any, **__: Any) -> None:
        await asyncio.gather(*(runner.stop() for runner in runners))

    app.task(beat)
    app.task(commit)
    app.task(tell_ready)
    app.on_before_shutdown.connect(stop, weak=False)


def _reading(grants: KafkaGrants) -> Callable[[], Coroutine[None, None, None]]:
    async def read() -> None:
        try:
            await grants.run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - delegations judged by half a book would accuse the innocent
            end_process(error)

    return read


def _ticking(app: faust.App, runner: StageRunner) -> Callable[[], Coroutine[None, None, None]]:
    async def tick() -> None:
        while not app.should_stop:
            await asyncio.sleep(TICK_SECONDS)
            runner.observe()
            if app.consumer.assignment():
                await runner.tick()

    return tick
