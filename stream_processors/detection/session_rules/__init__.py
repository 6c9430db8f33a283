"""Stage 1: one module for each rule over one session's events. `catalogue` lists them.

What only some rules share stands beside them: `violations` (arguments against a schema), `repetition` and `user_turns`
(loops), `open_calls` and `missing_events` (gaps in the record).
"""
