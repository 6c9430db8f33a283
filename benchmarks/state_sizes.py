"""How large a session's state gets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import orjson
from harness import Figure, of_quantile
from heard import Heard

from watchkeeper.stream_processors.detection import judge as judge_module
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.hearing import Hearing
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.prices import GenaiPriceBook


def sizes(source: str, heard: Sequence[Heard]) -> list[Figure]:
    """Bytes of a session's state as it is stored, at its largest; and of each rule's part of it."""
    judge_module.__dict__["Hearing"] = Hearing  # the hearing is the judge's own choice
    judge = Judge(default_detectors(), prices=GenaiPriceBook(), acting=frozenset({"live", "simulated"}), strict=True)
    sessions: dict[str, SessionState] = {}
    largest: dict[str, float] = {}
    parts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for one in heard:
        event = one.decoded()
        judge.learn(event)
        state = sessions.setdefault(event.session_id, judge.open(event))
        judge.step(state, event, clock_us=one.at_us, stamped_us=one.at_us)
        raw = state.dump()
        if len(raw) > largest.get(event.session_id, 0):
            largest[event.session_id] = len(raw)
            for rule, stored in orjson.loads(raw)["s"]["detectors"].items():
                parts[rule][event.session_id] = float(len(orjson.dumps(stored)))
    whole = list(largest.values())
    figures = [
        of_quantile(f"{source}_state_bytes_p50", "B", whole, 0.5),
        of_quantile(f"{source}_state_bytes_p99", "B", whole, 0.99),
        of_quantile(f"{source}_state_bytes_max", "B", whole, 1.0),
    ]
    for rule in sorted(parts):
        observed = [parts[rule].get(session, 0.0) for session in largest]
        figures.append(of_quantile(f"{source}_state_bytes_{rule}_p99", "B", observed, 0.99))
    return figures
