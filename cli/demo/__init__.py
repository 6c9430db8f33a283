"""`watchkeeper demo`: a simulated fleet against a stack, and whether what was injected was found.

- `options`, `stack_of_its_own`: what was asked for, and the stack that it runs against.
- `store`: what ClickHouse knows of the run.
- `run`: set-up, fleet, waiting for findings, in phases.
- `screen`: the live picture, or plain lines where there is no terminal.
- `report`: the table at the end, JSON, and what to look at next.
"""
