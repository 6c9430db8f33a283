"""What must be found and what must not, told as events: one module for each failure mode.

Tests, docs and the demo read the same sequences. Each mode has some that must fire and some that must stay quiet:
near misses, which look like the failure and are none.

- `story` tells the events of one session; `sequence` says what a sequence is; `hall` judges them as the worker does.
- `library` lists all sequences.
"""
