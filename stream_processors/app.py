"""The Faust app: one agent for each stage, and the tick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import faust

from watchkeeper.schemas.topics import EVENTS, MAX_RECORD_BYTES, SIGNALS, Topic
from watchkeeper.stream_processors.bus import KafkaBus
from watchkeeper.stream_processors.clock import SystemClock
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.subjects import SubjectJudge
from watchkeeper.stream_processors.engine.ports import Clock, Store
from watchkeeper.stream_processors.engine.stage import Stage
from watchkeeper.stream_processors.engine.stage_one import StageOne
from watchkeeper.stream_processors.engine.stage_two import StageTwo
from watchkeeper.stream_processors.prices import GenaiPriceBook
from watchkeeper.stream_processors.runner import TICK_SECONDS, StageRunner
from watchkeeper.stream_processors.settings import WorkerSettings
from watchkeeper.stream_processors.store import ClickHouseStore

StagesOf = Callable[[WorkerSettings, Store, Clock], list[tuple[Topic, Stage]]]


def build_app(settings: WorkerSettings, stages: StagesOf | None = None) -> faust.App:
    """The app with its stages; nothing is connected before it is started.

    Args:
        settings: what the environment says.
        stages: the stages by topic, in place of the two (a benchmark's ceiling is a stage that only validates).
    """
    app = _faust_app(settings)
    clock = SystemClock()
    store = ClickHouseStore(settings.clickhouse)
    # Each stage has a bus of its own: findings of one must not wait behind a flood of the other.
    runners = [
        StageRunner(app, topic.name, stage, bus=KafkaBus(settings.bootstrap), store=store, clock=clock)
        for topic, stage in (stages or both_stages)(settings, store, clock)
    ]
    for runner in runners:
        _add_agent(app, runner)
    _add_tick(app, runners)
    return app


def both_stages(settings: WorkerSettings, store: Store, clock: Clock) -> list[tuple[Topic, Stage]]:
    """Stage 1 on events, stage 2 on signals."""
    judge = Judge(default_detectors(), prices=GenaiPriceBook(overrides=settings.prices), acting=settings.acting)
    return [
        (EVENTS, StageOne(judge, store, clock)),
        (SIGNALS, StageTwo(SubjectJudge(), store, clock)),
    ]


def _faust_app(settings: WorkerSettings) -> faust.App:
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
    channel = app.topic(runner.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def agent(stream: Any) -> None:
        await runner.run(stream)

    app.agent(channel, name=f"watchkeeper.{runner.topic}")(agent)


def _add_tick(app: faust.App, runners: list[StageRunner]) -> None:
    async def tick() -> None:
        while not app.should_stop:
            await asyncio.sleep(TICK_SECONDS)
            if app.consumer.assignment():
                for runner in runners:
                    await runner.tick()

    async def stop(*_: Any, **__: Any) -> None:
        await asyncio.gather(*(runner.stop() for runner in runners))

    app.task(tick)
    app.on_before_shutdown.connect(stop)
