"""A program that the tests run in the worker's place: it uses broker and store as it was told, and says so.

It appends a line for each of its starts to the file in `STAND_IN_FILE`, then waits for SIGTERM. `STAND_IN_EXIT` makes
it end at once with that code, `STAND_IN_QUIET` leaves the ready file out.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from confluent_kafka.admin import AdminClient


def main() -> None:
    if os.environ.get("STAND_IN_EXIT"):
        sys.stdout.write("the stand-in was told to end\n")
        sys.stdout.flush()
        sys.exit(int(os.environ["STAND_IN_EXIT"]))
    kafka = AdminClient({"bootstrap.servers": os.environ["WATCHKEEPER_KAFKA_BOOTSTRAP"]}).list_topics(timeout=10)
    line = {
        "pid": os.getpid(),
        "cluster": kafka.cluster_id,
        "topics": sorted(kafka.topics),
        "tables": _tables(os.environ["WATCHKEEPER_CLICKHOUSE_DSN"]),
        "home": os.environ["WATCHKEEPER_HOME"],
    }
    with Path(os.environ["STAND_IN_FILE"]).open("a") as file:
        file.write(json.dumps(line) + "\n")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if not os.environ.get("STAND_IN_QUIET"):
        Path(os.environ["WATCHKEEPER_READY_FILE"]).write_text(str(os.getpid()))
    while True:
        signal.pause()


def _tables(dsn: str) -> list[str]:
    parts = urlsplit(dsn)
    request = urllib.request.Request(
        f"http://{parts.hostname}:{parts.port}/?database={parts.path[1:]}&query=SHOW+TABLES",
        headers={"X-ClickHouse-User": unquote(parts.username or ""), "X-ClickHouse-Key": unquote(parts.password or "")},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode()).split()


if __name__ == "__main__":
    main()
