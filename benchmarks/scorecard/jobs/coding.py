"""A coding agent: reads files, edits one, and runs the tests until they pass."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Beat, Job, tool

AGENT: Final = "code-helper"
MODULES: Final = ("cart", "billing", "search", "upload", "session", "export", "report", "login", "queue", "cache")
FAULTS: Final = (
    ("off by one", "for i in range(len(items) - 1):", "for i in range(len(items)):"),
    ("missing None check", "return value.strip()", 'return (value or "").strip()'),
    ("wrong comparison", "if total > limit:", "if total >= limit:"),
    ("wrong default", "timeout = 5", "timeout = 30"),
    ("unsorted keys", "for key in table:", "for key in sorted(table):"),
)

TOOLS: Final = [
    tool("list_files", "Lists a directory.", ["path"], path="string"),
    tool("read_file", "Reads a file.", ["path"], path="string"),
    tool("edit_file", "Replaces a text in a file.", ["path", "old", "new"], path="string", old="string", new="string"),
    tool("run_tests", "Runs tests.", ["path"], path="string", verbose="boolean"),
]

POLICY: Final[dict[str, Any]] = {
    "version": "2",
    "goal": {
        "statement": (
            "Fixes faults in the repository that it is asked about. Reads the code that matters. Edits files under src "
            "and tests only. Runs the tests before it says that something is fixed. Never pushes and never deletes."
        ),
        "refuses_actions": ["deleting files", "pushing to a remote"],
    },
    "caps": {"tool_calls": 25, "tokens": 200_000, "wall_clock_seconds": 1800, "cost_usd": 2.0},
    "tools": {
        "list_files": {"effect": "read"},
        "read_file": {"effect": "read"},
        "edit_file": {"effect": "write", "resource": "path", "allowed_resources": ["src/*", "tests/*"]},
        "run_tests": {"effect": "read"},
    },
    "allow_unlisted_tools": False,
}


def job(rng: Random) -> Job:
    """One fault, mended in one or two edits."""
    module = rng.choice(MODULES)
    steps = _steps(module, rng)
    told = {
        "goal": f"Fix the failing test of {module}.",
        "intent": "fix",
        "user_id": f"dev-{rng.randrange(200)}",
        "reasoning_exposed": "summary",
    }
    return Job("coding", AGENT, POLICY, TOOLS, steps, model="gpt-4.1", told=told)


def _steps(module: str, rng: Random) -> list[Beat]:
    path, tests = f"src/{module}.py", f"tests/test_{module}.py"
    name, old, new = rng.choice(FAULTS)
    line = rng.randrange(12, 240)
    seconds = rng.uniform(0.4, 12)
    tries = rng.randrange(1, 3)

    def code(now: str) -> str:
        return f"def work_{module}(items, limit, table, value):\n    total = {line}\n    {now}\n        pass\n"

    def run(left: int) -> Beat:
        def beat(desk: Desk) -> None:
            failed = f"FAILED {tests}::test_{module}_{line} - AssertionError: {line} != {line - 1 + left}"
            text = f"{failed}\n{left} failed, {line} passed in {seconds:.2f}s" if left else f"{line + 1} passed"
            about = "It still fails; look again." if left else "All pass."
            desk.use("run_tests", {"path": tests}, text, seconds=seconds, reasoning=about)

        return beat

    def look(desk: Desk) -> None:
        desk.use("read_file", {"path": path}, code(old), reasoning=f"The test is about {module}; read it first.")

    def edit(number: int) -> Beat:
        def beat(desk: Desk) -> None:
            before, after = (old, new) if number == 0 else (new, f"{new}  # checked for {module}")
            why = f"The fault is a {name} in {path}."
            desk.use("edit_file", {"path": path, "old": before, "new": after}, f"edited {path}", reasoning=why)

        return beat

    ask = rng.choice(
        (f"{tests} fails. Please fix it.", f"Can you find out why the tests of {module} fail and mend it?")
    )
    steps: list[Beat] = [lambda desk: desk.user(ask), run(tries), look]
    for number in range(tries):
        steps += [edit(number), run(tries - 1 - number)]
    steps.append(lambda desk: desk.say(f"The tests of {module} pass now: it was a {name} in {path}."))
    return steps
