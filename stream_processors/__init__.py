"""The Faust worker: it reads agent events, judges them while the session runs, and stores what it saw.

`detection/` is the pure heart and imports nothing but `schemas`; `engine/` owns batching, the checkpoint and
retries, and reaches the world through ports; the modules here are the adapters and the Faust app.
"""
