"""The pure heart: detectors, and the judge that leads a session's events past them.

Everything here is a function of what it is handed: `(state, event, policy) -> new state, findings, signals,
commands`. No clock but the event's and the tick handed in, no input or output, no network: the same code runs in
the Faust worker, in the recorder's own process, in backtests and in tests. It imports `schemas` and needs the
base dependencies alone.

- `session`, `sequence`: a session's state; numbering, gaps and late events.
- `library`, `tools`: tools and policies by content address, compiled once; `refused_policies`: why one cannot be used;
  `rules_in_force`: those of a session.
- `pricing`: the port through which prices are handed in.
- `detector`, `subject_rule`: what a rule of stage 1, and of stage 2, is and may say.
- `judge`, `seats`, `hearing`: stage 1, one session at a time: who is shown what, and what is said. `subjects`: stage 2,
  one subject at a time.
- `session_rules`, `subject_rules`: one module for each rule of stage 1, and of stage 2; `catalogue` lists them.
- `sequences`: events that must fire and near misses that must not, which tests, docs and the demo read.
- what rules share: `fingerprints` (calls and results told apart), `inline_texts`, `latest` (what is read once for all).
"""
