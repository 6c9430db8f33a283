"""`make bench-detectors`: what all detectors cost an event, where that goes, and how large a session's state gets.

Events of the whole simulated fleet are judged in this process; nothing is sent or stored. They are decoded a record at
a time, just before they are judged, which is not counted. Counted is CPU time beyond that of a judge without detectors,
and findings and signals are counted apart: these are worked out as the difference of runs that come in turns. In how
many sessions something was found is told (`sessions_with_findings_share`), and the cost over the others beside that
over all (`…_clean_sessions`). Before each run all caches are emptied and another run of the fleet is judged, so that
what many sessions share is known (policies, system prompts) and what one session says is not: each run judges the same
sessions as if it had never met them. How many texts came before with another session is told
(`texts_met_before_share`): no cache can help with more.

Beside the fleet's events those of `make bench` are judged (`load_…`): 600 bytes each, in long sessions of an agent
without a policy.

What each rule takes is measured while all of them judge: for each event the least of the runs. So these figures lack
what rules take from each other, and what showing them an event costs; together they are less than the whole.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from harness import Figure, of_least, of_quantile, write
from heard import NAMES, met_before, of_fleet, of_recording, of_records
from judging_again import RECORD, Bench, Detectors, NoScan
from state_sizes import sizes

from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.session_rules.data_leak import DataLeak
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState
from watchkeeper.stream_processors.worker import calm_collector


def main() -> None:
    """Measures all and writes `results/detectors.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=360, help="of the fleet")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", default="", help="measure one rule, by its id, and nothing else")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args()
    calm_collector()
    bench = Bench(of_fleet(1, options.sessions // 2), of_fleet(0, options.sessions), options.runs)
    if options.only:
        _alone(bench, options.only)
        return
    figures = [
        *costs(bench),
        *of_load(options.runs),
        *stage_two(bench),
        *sizes("fleet", bench.heard),
        *of_recordings(options.runs),
    ]
    if options.dry_run:
        print(*(figure.line() for figure in figures), sep="\n")
    else:
        write("detectors", figures)


def costs(bench: Bench) -> list[Figure]:
    """Of stage 1: all detectors, the scan apart, and each by itself."""
    every = default_detectors()
    unscanned = without_scan(every)
    sets: dict[str, Detectors] = {"kernel": (), "all": every, "unscanned": unscanned}
    runs = bench.least(sets, heard=every)
    kernel = of_least("judge_kernel_microseconds", "µs", runs.pop("kernel"))
    every_us = runs.pop("all")
    unscanned_us = runs.pop("unscanned")
    whole = _beyond("detector_microseconds_per_event", unscanned_us, kernel)
    cold = [bench.judged(unscanned, warm=False).microseconds for _ in range(bench.runs)]
    sizes_of_lines = [float(len(one.line)) for one in bench.heard]
    return [
        of_quantile("event_bytes_p50", "B", sizes_of_lines, 0.5),
        _counted("event_bytes_mean", "B", sum(sizes_of_lines) / len(sizes_of_lines), len(sizes_of_lines)),
        *_met_before(bench),
        kernel,
        whole,
        _beyond("detector_microseconds_per_event_cold", cold, kernel, whole),
        _difference("leak_scan_microseconds_per_event", every_us, unscanned_us, whole),
        _difference("findings_and_signals_microseconds_per_event", runs.pop("heard"), every_us, whole),
        *_over_clean_sessions(bench, unscanned, whole),
        *(replace(one, baseline=whole.name, ratio=one.value / whole.value) for one in bench.shares(unscanned).values()),
    ]


def _over_clean_sessions(bench: Bench, unscanned: Detectors, whole: Figure) -> list[Figure]:
    sessions = bench.judged(unscanned, deaf=False).sessions
    clean = bench.of_clean_sessions(sessions)
    found = sum(state.totals.findings > 0 for state in sessions.values())
    runs = clean.least({"kernel": (), "all": unscanned})
    kernel = of_least("judge_kernel_microseconds_clean_sessions", "µs", runs["kernel"])
    return [
        _counted("sessions_with_findings_share", "of sessions", found / max(1, len(sessions)), len(sessions)),
        kernel,
        _beyond("detector_microseconds_per_event_clean_sessions", runs["all"], kernel, whole),
    ]


def of_load(runs: int) -> list[Figure]:
    """Cost over the sessions that `make bench` sends."""
    warm, heard = (of_records(40, 100, RECORD, prefix) for prefix in ("warm", "load"))
    bench = Bench(warm, heard, runs)
    observed = bench.least({"kernel": (), "all": without_scan(default_detectors())})
    kernel = of_least("load_judge_kernel_microseconds", "µs", observed["kernel"])
    sizes_of_lines = [float(len(one.line)) for one in heard]
    return [
        _counted("load_event_bytes_mean", "B", sum(sizes_of_lines) / len(heard), len(heard)),
        kernel,
        _beyond("load_detector_microseconds_per_event", observed["all"], kernel),
    ]


def without_scan(detectors: Detectors) -> Detectors:
    """These detectors without the scan for secrets and personal data."""
    return [DataLeak(NoScan()) if isinstance(one, DataLeak) else one for one in detectors]


def stage_two(bench: Bench) -> list[Figure]:
    """What the rules over many sessions cost."""
    signals = bench.judged(default_detectors(), deaf=False).signals
    events = len(bench.heard)

    def folded() -> float:
        judge = SubjectJudge(acting=frozenset({"live", "simulated"}), strict=True)
        subjects: dict[str, SubjectState] = {}
        gc.collect()
        begin = time.thread_time_ns()
        for signal in signals:
            subject: SubjectState | None = subjects.get(signal.subject)
            if subject is None:
                subject = subjects[signal.subject] = judge.open(signal)
            judge.step(subject, signal, clock_us=0)
        return (time.thread_time_ns() - begin) / 1000

    runs = [folded() for _ in range(bench.runs)]
    by_kind: dict[str, int] = defaultdict(int)
    for signal in signals:
        by_kind[signal.kind] += 1
    return [
        of_least("stage_two_microseconds_per_event", "µs", [one / events for one in runs]),
        of_least("stage_two_microseconds_per_signal", "µs", [one / max(1, len(signals)) for one in runs]),
        _counted("signals_per_event", "signals", len(signals) / events, events),
        *(_counted(f"signals_{kind}", "signals", count, events) for kind, count in sorted(by_kind.items())),
    ]


def of_recordings(runs: int) -> list[Figure]:
    """Cost and state over recorded sessions, where they are."""
    figures: list[Figure] = []
    for name in NAMES:
        heard = of_recording(name)
        if heard is None:
            print(f"the recording {name} is not there: set WATCHKEEPER_RECORDINGS to the folder that holds it")
            continue
        bench = Bench((), heard, min(3, runs))
        observed = bench.least({"kernel": (), "all": without_scan(default_detectors())})
        kernel = of_least(f"{name}_judge_kernel_microseconds", "µs", observed["kernel"])
        figures += [kernel, _beyond(f"{name}_detector_microseconds_per_event", observed["all"], kernel)]
        figures += sizes(name, heard)
    return figures


def _alone(bench: Bench, rule_id: str) -> None:
    shares = bench.shares(without_scan(default_detectors()))
    if rule_id not in shares:
        raise SystemExit(f"no rule of stage 1 is called {rule_id}: see stream_processors/detection/catalogue.py")
    print(shares[rule_id].line())


def _beyond(name: str, runs: Sequence[float], kernel: Figure, against: Figure | None = None) -> Figure:
    """What detectors add to the judge that hosts them."""
    return of_least(name, "µs", [max(0.0, one - kernel.value) for one in runs], against or kernel)


def _difference(name: str, more: Sequence[float], less: Sequence[float], against: Figure) -> Figure:
    return of_least(name, "µs", [max(0.0, one - min(less)) for one in more], against)


def _met_before(bench: Bench) -> tuple[Figure, Figure]:
    lengths = met_before(bench.warm, bench.heard)
    met, characters = [length for length, is_met in lengths if is_met], sum(length for length, _ in lengths)
    return (
        _counted("texts_met_before_share", "of texts", len(met) / max(1, len(lengths)), len(lengths)),
        _counted("characters_met_before_share", "of characters", sum(met) / max(1, characters), characters),
    )


def _counted(name: str, unit: str, value: float, n: int) -> Figure:
    return Figure(name, value, unit, n, (value, value))


if __name__ == "__main__":
    main()
