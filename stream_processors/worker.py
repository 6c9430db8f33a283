"""`python -m watchkeeper.stream_processors.worker`: one Faust worker, told by its environment what to do."""

from __future__ import annotations

import gc
import logging
import os
import sys

import faust

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.stream_processors.app import StagesOf, build_app
from watchkeeper.stream_processors.settings import LOG_LEVEL, from_environment
from watchkeeper.stream_processors.waiting import wait_for_broker
from watchkeeper.stream_processors.watching.logs import set_up_logs
from watchkeeper.stream_processors.wiring import Wiring

EXIT_CONFIGURATION = 78
"""`EX_CONFIG`: starting again without a change will not help."""


def main(stages: StagesOf | None = None, wiring: Wiring | None = None) -> None:
    """Runs until a signal ends it; `stages` and `wiring` as in `build_app`."""
    try:
        set_up_logs(os.environ.get(LOG_LEVEL) or "INFO")
        settings = from_environment()
        app = build_app(settings, stages, wiring)
    except ConfigurationError as error:
        sys.stderr.write(f"watchkeeper worker: {error}\n")
        sys.exit(EXIT_CONFIGURATION)
    wait_for_broker(settings.bootstrap, (wiring or Wiring()).topics)
    calm_collector()
    worker = faust.Worker(app, loglevel="WARN", redirect_stdouts=False, override_logging=False, quiet=True)
    # It writes escape sequences between the lines of the log, also where nobody looks on.
    worker.spinner = None
    ended = _run(worker)
    # Threads that wait for a store or a broker which is away would hold the process for minutes. What they carry is
    # not committed and is done again.
    logging.shutdown()
    os._exit(ended)


def calm_collector() -> None:
    """Collects garbage seldom.

    Events are many small objects that live for one batch: the collector finds nothing among them and costs almost half
    of the time of validation at its default thresholds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(400_000, 20, 100)


def _run(worker: faust.Worker) -> int:
    try:
        worker.execute_from_commandline()
    except SystemExit as ended:
        code: int | str | None = ended.code
    return code if isinstance(code, int) else int(code is not None)


if __name__ == "__main__":
    main()
