"""Rules in CEL, Google's Common Expression Language: compiled once, typed against what is declared.

CEL ends always, has no side effects and knows types, so that a rule that compiles can only fail for want of a value.
Types are strict: a number is compared with `500.0`, a whole number with `500`. The language: https://cel.dev.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from watchkeeper.schemas.errors import WatchkeeperError

if TYPE_CHECKING:
    from cel_expr_python import cel

ValueType = Literal["text", "number", "integer", "boolean", "timestamp", "list", "any"]

_POSITION = re.compile(r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(\d+):(\d+): (.*?)$", re.MULTILINE)
_UNDECLARED = re.compile(r"undeclared reference to '([^']+)'")
_OVERLOAD = re.compile(r"found no matching overload for '([^']+)' applied to '\(([^)]*)\)'")
_OPERATOR = re.compile(r"^_?(.*?)_?$")
# What the binding raises where a text is half a surrogate pair, a number too large, or a loop over its budget.
_NATIVE_ERRORS = (RuntimeError, TypeError, ValueError, OverflowError)
_TOO_LARGE = "out of range"
_MAX_BITS = 1023
"""Of a whole number that is near a floating-point number."""

_NAMES = {"double": "number", "int": "integer", "string": "text", "bool": "boolean"}


class ExpressionError(WatchkeeperError):
    """An expression does not compile, or cannot be evaluated."""


class Expression:
    """A compiled condition.

    Attributes:
        source: as it was written.
    """

    __slots__ = ("_program", "source")

    def __init__(self, source: str, program: cel.Expression) -> None:
        self.source = source
        self._program = program

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the condition is true of these values.

        Raises:
            ExpressionError: a value is missing or not of its type, or the condition divides by zero: nothing is
                known then, and whoever asks must not take that for a yes.
        """
        kind, value = self._result(values)
        if kind == "ERROR" and _TOO_LARGE in str(value):
            # An order number of twenty-five digits beside the one that is asked about is no reason to give up.
            kind, value = self._result({name: _within_64_bits(inner) for name, inner in values.items()})
        if value is True or value is False:
            return value is True
        # A value that is no error may be personal: it is not quoted.
        why = _plainly(str(value)) if kind == "ERROR" else "the result is not true or false"
        raise ExpressionError(f"{self.source} cannot be evaluated: {why}")

    def _result(self, values: Mapping[str, Any]) -> tuple[str, Any]:
        try:
            result = self._program.eval(data=values)
            return result.type().name(), result.value()
        except _NATIVE_ERRORS as error:
            return "ERROR", error


def _within_64_bits(value: Any) -> Any:
    """The value with whole numbers that the language does not know as the nearest floating-point numbers."""
    if isinstance(value, dict):
        return {key: _within_64_bits(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_within_64_bits(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value) if value.bit_length() <= _MAX_BITS else (math.inf if value > 0 else -math.inf)
    return value


def compile_condition(source: str, variables: Mapping[str, ValueType]) -> Expression:
    """The condition, compiled.

    Args:
        source: in CEL; its result must be true or false.
        variables: what it may refer to, with types.

    Raises:
        ExpressionError: with the place within the expression, and what to write instead.
    """
    return _compile(source, tuple(sorted(variables.items())))


@lru_cache(maxsize=4096)
def _compile(source: str, variables: tuple[tuple[str, ValueType], ...]) -> Expression:
    env = _environment(variables)
    try:
        program = env.compile(source)
    except _NATIVE_ERRORS as error:
        raise ExpressionError(_explained(str(error), dict(variables))) from None
    kind = program.return_type().name()
    if kind not in {"BOOL", "bool", "DYN", "dyn"}:
        raise ExpressionError(f"the result is {_NAMES.get(kind.lower(), kind.lower())}, not true or false: compare it")
    return Expression(source, program)


@lru_cache(maxsize=512)
def _environment(variables: tuple[tuple[str, ValueType], ...]) -> cel.Env:
    # Here and not above: 50 MB of native code, which a process without conditions should not load.
    from cel_expr_python import cel  # noqa: PLC0415

    types = {
        "text": cel.Type.STRING,
        "number": cel.Type.DOUBLE,
        "integer": cel.Type.INT,
        "boolean": cel.Type.BOOL,
        "timestamp": cel.Type.TIMESTAMP,
        "list": cel.Type.LIST,
        "any": cel.Type.DYN,
    }
    return cel.NewEnv(variables={name: types[kind] for name, kind in variables})


def _explained(message: str, variables: dict[str, ValueType]) -> str:
    found = _POSITION.search(message)
    if found is None:
        return _plainly(message)
    line, column, problem = found.groups()
    where = f"column {column}" if line == "1" else f"line {line}, column {column}"
    return f"{where}: {_remedy(problem, variables)}"


def _remedy(problem: str, variables: dict[str, ValueType]) -> str:
    if undeclared := _UNDECLARED.search(problem):
        # Of `arg.amount` it is `arg` that is wrong.
        name = undeclared[1].partition(".")[0]
        near = get_close_matches(name, variables, n=1)
        known = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(variables)) or 'none'}"
        return f"{name} is not declared; {known}"
    if overload := _OVERLOAD.search(problem):
        operator = (_OPERATOR.match(overload[1]) or overload)[1]
        kinds = [_NAMES.get(kind.strip(), kind.strip()) for kind in overload[2].split(",")]
        advice = "; write the number with a point, such as 500.0" if set(kinds) == {"number", "integer"} else ""
        return f"{operator} does not take {' and '.join(kinds)}{advice}"
    if problem.startswith("Syntax error"):
        first = problem.split(" expecting ", maxsplit=1)[0]
        return first.replace("mismatched input '<EOF>'", "the expression ends too early")
    return problem


def _plainly(message: str) -> str:
    return (
        message.removeprefix("INVALID_ARGUMENT: ")
        .removeprefix("UNKNOWN: ")
        .split("\n")[0]
        .removesuffix(" [INVALID_ARGUMENT]")
    )
