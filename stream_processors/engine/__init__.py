"""Delivery: batching, the checkpoint, retries and acknowledgement, apart from Faust and from any client library.

The engine reaches the world through `ports` alone, so that the whole of delivery runs in a simulation as it does
in the worker.

- `ports`: bus, store and clock, and what passes through them.
- `decode`: a record's bytes to events, or to dead letters with a reason.
- `stage`: what a stage is: it loads, judges and says what must be kept. `stage_one`, `stage_two` are the two.
- `rows`: what is kept, as rows of ClickHouse.
- `checkpoint`: keeps it, in order: findings, signals and control; ClickHouse; state; offset.
- `engine`: leads batches and ticks through all of that.
"""
