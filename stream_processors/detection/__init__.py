"""The pure heart: detectors, and the judge that leads a session's events past them.

Everything here is a function of what it is handed: `(state, event, policy) -> new state, findings, signals,
commands`. No clock but the event's and the tick handed in, no input or output, no network: the same code runs in
the Faust worker, in the recorder's own process, in backtests and in tests. It imports `schemas` and needs the
base dependencies alone.

- `session`, `sequence`: a session's state; numbering, gaps and late events.
- `library`: tools and policies by content address, compiled once.
- `pricing`: the port through which prices are handed in.
- `detector`: what a detector is and may say.
- `judge`: stage 1, one session at a time. `subjects`: stage 2, one subject at a time.
- one module for each detector; `catalogue` lists them.
"""
