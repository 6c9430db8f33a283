"""`watchkeeper demo`: a simulated fleet against a stack, and whether what was injected was found.

- `stack_in_use`: the stack that it runs against.
- `store`: what ClickHouse knows of the run.
- `run`: set-up, fleet, waiting for findings, in phases.
- `picture`: the live picture, or plain lines where there is no terminal.
- `report`, `closing`: what came of it, as data and for people, and what to look at next.
"""
