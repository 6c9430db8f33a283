"""What all commands share: help that teaches by example, modules imported when asked for, errors as exit codes."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from watchkeeper.cli.exit_codes import ExitCode, code_of
from watchkeeper.cli.extras import missing_extra
from watchkeeper.schemas.errors import WatchkeeperError

DEBUG_VARIABLE = "WATCHKEEPER_DEBUG"
"""Set it to see where an error comes from."""

Example = tuple[str, str]
"""What it does, and the command line."""


class TaughtCommand(click.Command):
    """A command whose help ends with examples; a test runs each of them through the parser."""

    def __init__(self, *args: Any, examples: Sequence[Example] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples."""
        write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


def write_examples(examples: Sequence[Example], formatter: click.HelpFormatter) -> None:
    """Writes examples as a reader would type them; lines are never broken, since they are there to be copied."""
    if not examples:
        return
    with formatter.section("Examples"):
        for purpose, line in examples:
            formatter.write(f"{'':>{formatter.current_indent}}# {purpose}\n")
            formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def command(
    name: str, *, examples: Sequence[Example], hidden: bool = False
) -> Callable[[Callable[..., Any]], TaughtCommand]:
    """Makes a function a command with examples."""
    return click.command(name, cls=TaughtCommand, examples=examples, hidden=hidden)


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command by the place of its code.

    Attributes:
        module: imported when the command is asked for; a command whose module does not exist is not listed.
        attribute: the command in it.
        summary: what the group's help says of it.
        section: under which heading.
    """

    module: str
    attribute: str
    summary: str
    section: str

    @property
    def exists(self) -> bool:
        """Whether the module is there. It is not imported."""
        return importlib.util.find_spec(self.module) is not None


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for, so that help is there at once."""

    def __init__(self, *args: Any, table: Mapping[str, Lazy], examples: Sequence[Example] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = dict(table)
        self.examples = tuple(examples)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands whose modules exist, in the table's order."""
        del ctx
        return [name for name, lazy in self.table.items() if lazy.exists]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command."""
        del ctx
        lazy = self.table.get(cmd_name)
        if lazy is None or not lazy.exists:
            return None
        found = getattr(importlib.import_module(lazy.module), lazy.attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists commands by section, from the table: nothing is imported."""
        names = self.list_commands(ctx)
        width = max((len(name) for name in names), default=0)
        for section in dict.fromkeys(self.table[name].section for name in names):
            rows = [(f"{name:<{width}}", self.table[name].summary) for name in names]
            here = [row for row, name in zip(rows, names, strict=True) if self.table[name].section == section]
            with formatter.section(section):
                formatter.write_dl(here)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples."""
        write_examples(self.examples, formatter)
        super().format_epilog(ctx, formatter)


class RootGroup(LazyGroup):
    """The whole program: every way out of it is an exit code, and every error one line on stderr."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Runs a command line and exits with a code of `watchkeeper.cli.exit_codes`."""
        del standalone_mode
        name = prog_name or "watchkeeper"
        try:
            outcome = super().main(args, name, complete_var, standalone_mode=False, **extra)
        except BaseException as error:  # noqa: BLE001 - the one place where errors become exit codes
            sys.exit(_report(error))
        sys.exit(outcome if isinstance(outcome, int) else ExitCode.OK)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; a reader of its output that goes away is no error of it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            close_output()


def close_output() -> NoReturn:
    """Ends the program because nobody reads its output any more."""
    # Python flushes stdout once more on its way out, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise click.exceptions.Exit(ExitCode.OUTPUT_CLOSED)


def _report(error: BaseException) -> int:
    """Says what went wrong, and returns the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else ExitCode.FAILED
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return ExitCode.INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, WatchkeeperError):
        complain(str(error))
        return code_of(error)
    advice = missing_extra(error) if isinstance(error, ModuleNotFoundError) else None
    if advice is not None:
        complain(advice)
        return ExitCode.CONFIGURATION
    complain(f"internal error: {type(error).__name__}: {error}. Please report it with what {DEBUG_VARIABLE}=1 shows.")
    return ExitCode.INTERNAL


def complain(message: str) -> None:
    """One message on stderr."""
    click.echo(f"watchkeeper: {message}", err=True)


def all_commands(root: click.Group) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that can be typed, with its path, groups included."""
    context = click.Context(root)
    for name in root.list_commands(context):
        found = root.get_command(context, name)
        if found is None:
            continue
        yield (name,), found
        if isinstance(found, click.Group):
            for path, below in all_commands(found):
                yield (name, *path), below
