"""What Grafana does to a panel's SQL before ClickHouse sees it: macros of the ClickHouse data source, and variables.

The console and the tests ask the same questions as Grafana does, so they expand the same text. The macros are those of
the plugin `grafana-clickhouse-datasource` 4 (`pkg/macros`, and `$__conditionalAll` of its front end); variables are
`${name}`, `$name`, `${name:singlequote}` and `${name:raw}` of Grafana itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.model import to_us

ALL = "$__all"
"""The value of a variable by which everything is meant."""

Values = Mapping[str, str | Sequence[str]]

_CALL = re.compile(r"\$__(\w+)")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(?!__)(\w+)")


@dataclass(frozen=True, slots=True)
class Range:
    """The range of time that is looked at, and how far apart points should stand.

    Attributes:
        interval_ms: Grafana's `$__interval`, of which panels make their steps.
    """

    since: datetime
    until: datetime
    interval_ms: int = 60_000

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise ConfigurationError(f"a range begins before it ends: {self.since} is not before {self.until}")


def expand(sql: str, span: Range, variables: Values | None = None) -> str:
    """The statement as ClickHouse is asked.

    Args:
        sql: the panel's text.
        span: the range of time.
        variables: values by name; a list where several are chosen, `ALL` for everything.

    Raises:
        ConfigurationError: a macro or variable is unknown, or a macro has other arguments than it takes.
    """
    values = variables or {}
    # The front end comes first: it sees variables before they are replaced.
    return _server_macros(_replace_variables(_conditional(sql, values), values), span)


def _conditional(sql: str, values: Values) -> str:
    """`$__conditionalAll(condition, $variable)`: true where everything is chosen, else the condition."""
    name = "$__conditionalAll("
    while (at := sql.find(name)) >= 0:
        arguments, end = _arguments(sql, at + len(name) - 1)
        variable = arguments[-1].strip().lstrip("$").strip("{}")
        if len(arguments) < 2 or variable not in values:
            raise ConfigurationError(f"$__conditionalAll takes a condition and a known variable, not ({arguments})")
        chosen = values[variable]
        everything = chosen == ALL or (not isinstance(chosen, str) and ALL in chosen)
        sql = sql[:at] + ("1=1" if everything else ",".join(arguments[:-1])) + sql[end:]
    return sql


def _replace_variables(sql: str, values: Values) -> str:
    def value(found: re.Match[str]) -> str:
        name, form = found[1] or found[3], found[2]
        if name not in values:
            raise ConfigurationError(f"the panel asks for the variable {name}, which has no value")
        chosen = values[name]
        listed = [chosen] if isinstance(chosen, str) else list(chosen)
        if form in {"singlequote", "sqlstring"}:
            return ",".join("'" + one.replace("\\", "\\\\").replace("'", "\\'") + "'" for one in listed)
        if form not in {None, "raw", "csv"}:
            raise ConfigurationError(f"the form {form} of the variable {name} is not known here")
        return ",".join(listed)

    return _VARIABLE.sub(value, sql)


def _server_macros(sql: str, span: Range) -> str:
    done: list[str] = []
    while found := _CALL.search(sql):
        macro = _MACROS.get(found[1])
        if macro is None:
            raise ConfigurationError(f"the macro $__{found[1]} is not one of the ClickHouse data source")
        arguments: list[str] = []
        end = found.end()
        if sql.startswith("(", end):
            arguments, end = _arguments(sql, end)
        done += [sql[: found.start()], macro(span, arguments)]
        sql = sql[end:]
    return "".join([*done, sql])


def _arguments(sql: str, opening: int) -> tuple[list[str], int]:
    """The arguments of a call whose bracket opens there, and where it ends."""
    depth, start, found = 0, opening + 1, []
    for at in range(opening, len(sql)):
        if sql[at] == "(":
            depth += 1
        elif sql[at] == ")":
            depth -= 1
        if (sql[at] == "," and depth == 1) or depth == 0:
            found.append(sql[start:at].strip())
            start = at + 1
        if depth == 0:
            return [one for one in found if one], at + 1
    raise ConfigurationError(f"a bracket of a macro is never closed: {sql[opening : opening + 40]}")


def _seconds(moment: datetime) -> str:
    return f"toDateTime({to_us(moment) // 1_000_000})"


def _milliseconds(moment: datetime) -> str:
    return f"fromUnixTimestamp64Milli({to_us(moment) // 1_000})"


def _date(moment: datetime) -> str:
    return f"toDate('{moment:%Y-%m-%d}')"


def _between(column: str, span: Range, form: Callable[[datetime], str]) -> str:
    return f"{column} >= {form(span.since)} AND {column} <= {form(span.until)}"


Macro = Callable[[Range, list[str]], str]


def _taking(count: int, macro: Macro) -> Macro:
    def checked(span: Range, arguments: list[str]) -> str:
        if len(arguments) != count:
            raise ConfigurationError(f"a macro takes {count} arguments, not {len(arguments)}: {arguments}")
        return macro(span, arguments)

    return checked


def _date_time_filter(span: Range, arguments: list[str]) -> str:
    days, times = _between(arguments[0], span, _date), _between(arguments[1], span, _seconds)
    return f"({days}) AND ({times})"


_MACROS: Mapping[str, Macro] = {
    "fromTime": lambda span, _: _seconds(span.since),
    "toTime": lambda span, _: _seconds(span.until),
    "fromTime_ms": lambda span, _: _milliseconds(span.since),
    "toTime_ms": lambda span, _: _milliseconds(span.until),
    "timeFilter": _taking(1, lambda span, given: _between(given[0], span, _seconds)),
    "timeFilter_ms": _taking(1, lambda span, given: _between(given[0], span, _milliseconds)),
    "dateFilter": _taking(1, lambda span, given: _between(given[0], span, _date)),
    "dateTimeFilter": _taking(2, _date_time_filter),
    "dt": _taking(2, _date_time_filter),
    "timeInterval": _taking(
        1,
        lambda span, given: (
            f"toStartOfInterval(toDateTime({given[0]}), INTERVAL {max(span.interval_ms // 1000, 1)} second)"
        ),
    ),
    "timeInterval_ms": _taking(
        1,
        lambda span, given: (
            f"toStartOfInterval(toDateTime64({given[0]}, 3), INTERVAL {max(span.interval_ms, 1)} millisecond)"
        ),
    ),
    "interval_s": lambda span, _: str(max(span.interval_ms // 1000, 1)),
}
