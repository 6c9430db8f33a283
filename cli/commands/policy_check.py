"""`watchkeeper policy check`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.command import command
from watchkeeper.cli.exit_codes import ExitCode, NotFoundError
from watchkeeper.cli.options import json_option
from watchkeeper.cli.output import SEVERITY_STYLES, Column, make_console, print_json, print_table
from watchkeeper.cli.policies.checking import Checked, Remark, TokensPrice, check_text
from watchkeeper.cli.policies.spending import WorstSpend, dearest_usd
from watchkeeper.cli.policies.tool_schemas import read_tools
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_file import MAX_POLICY_BYTES

STDIN: Final = "-"

_COLUMNS: Final = (Column("place"), Column("level"), Column("field", place="below"), Column("what", place="text"))
_STYLES: Final = {"error": SEVERITY_STYLES["high"], "warning": SEVERITY_STYLES["medium"]}


@command(
    "check",
    examples=(
        ("one policy", "watchkeeper policy check support.yaml"),
        ("all of them, as a gate of a build: warnings fail too", "watchkeeper policy check --strict policies/*.yaml"),
        ("with the tools as they are registered", "watchkeeper policy check --tools tools.json support.yaml"),
        ("what the worst day costs", "watchkeeper policy check --model gpt-4o --sessions 20000 support.yaml"),
    ),
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--strict", is_flag=True, help="Exit with 1 where there are warnings.")
@click.option(
    "--tools",
    "tools_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The registered tools, as JSON: their schemas are looked at too.",
)
@click.option(
    "--sessions", type=click.IntRange(1), default=1000, show_default=True, metavar="N", help="Sessions in a day."
)
@click.option("--model", default="", metavar="NAME", help="Price the cap on tokens as this model's.")
@click.option("--provider", default="", metavar="NAME", help="Whose model it is.")
@json_option("One JSON document")
def check(
    *,
    files: tuple[str, ...],
    strict: bool,
    tools_file: Path | None,
    sessions: int,
    model: str,
    provider: str,
    as_json: bool,
) -> int:
    """Say what is wrong with policies, what is unwise in them, and what the worst day costs.

    A FILE of - is read from stdin. Exits with 1 where a policy is refused, and with --strict where there are warnings.
    """
    if provider and not model:
        raise ConfigurationError("--provider says whose --model it is: give --model too")
    tools = None if tools_file is None else read_tools(tools_file)
    price = _pricing(model, provider) if model else lambda _: None
    found = [check_text(_read(name), _shown(name), sessions=sessions, tools=tools, price=price) for name in files]
    if as_json:
        print_json({"files": [_document(one) for one in found]})
    else:
        _print(make_console(), found, schemas_seen=tools is not None)
    bad = any(one.refused or (strict and one.remarks) for one in found)
    return ExitCode.FAILED if bad else ExitCode.OK


def _read(name: str) -> bytes:
    if name == STDIN:
        return sys.stdin.buffer.read(MAX_POLICY_BYTES + 1)
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_POLICY_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"{name} does not exist: check the path") from error
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read ({error.strerror}): check path and rights") from error


def _shown(name: str) -> str:
    return "stdin" if name == STDIN else name


def _pricing(model: str, provider: str) -> TokensPrice:
    # The price book comes with the extra `processors`.
    from watchkeeper.stream_processors.prices import GenaiPriceBook  # noqa: PLC0415 - it loads the price list

    book = GenaiPriceBook()

    @lru_cache(maxsize=64)
    def of_tokens(tokens: int) -> float:
        return dearest_usd(book, model=model, provider=provider, tokens=tokens)

    def price(policy: AgentPolicy) -> float | None:
        return None if policy.caps.tokens is None else of_tokens(policy.caps.tokens)

    return price


def _document(found: Checked) -> dict[str, Any]:
    return {
        "file": found.name,
        "agent": None if found.policy is None else found.policy.agent,
        "refused": found.refused,
        "address": None if found.policy is None else found.policy.address,
        "problems": [asdict(one) for one in found.remarks],
        "worst_spend": None if found.spend is None else asdict(found.spend),
    }


def _print(console: Console, found: list[Checked], *, schemas_seen: bool) -> None:
    remarks = [(one.name, remark) for one in found for remark in one.remarks]
    if remarks:
        print_table(console, _COLUMNS, [_cells(name, remark) for name, remark in remarks])
        console.print()
    for one in found:
        console.print(_verdict(one))
        if one.spend is not None:
            for line in _spending(one.spend):
                console.print(f"  {line}")
    if not schemas_seen and any(not one.refused for one in found):
        console.print(Text("schemas of tools were not looked at: --tools FILE names them", style="dim"))


def _cells(name: str, remark: Remark) -> list[Text | str]:
    level = Text(remark.level, style=_STYLES[remark.level])
    return [f"{name}:{remark.line}:{remark.column}", level, remark.field, remark.text]


def _verdict(found: Checked) -> Text:
    mistakes = formats.plural(len(found.remarks), "mistake" if found.refused else "warning")
    if found.refused:
        return Text.assemble(f"{found.name}: ", ("refused", _STYLES["error"]), f", {mistakes}")
    return Text(f"{found.name}: can be used" + (f", {mistakes}" if found.remarks else ""))


def _spending(spend: WorstSpend) -> list[str]:
    lines = []
    if spend.session_usd is None or spend.day_usd is None:
        lines.append("worst day: not bounded; write caps.cost_usd, or price caps.tokens by --model")
    else:
        of = [
            f"{name} {formats.money(value)}"
            for name, value in (
                ("caps.cost_usd", spend.by_cost_usd),
                ("caps.tokens at the model's", spend.by_tokens_usd),
            )
            if value is not None
        ]
        lines.append(
            f"worst day: {formats.money(spend.day_usd)} = {formats.money(spend.session_usd)} a session "
            f"({', '.join(of)}) x {formats.count(spend.sessions)} sessions"
        )
    if spend.budget_usd is not None:
        lines.append(f"budget of a day: {formats.money(spend.budget_usd)}, told as it is used up")
    if not spend.stops:
        lines.append("the mode is not enforce: caps are told, and stop no session")
    return lines
