"""What is documented exists, and what exists is documented."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from watchkeeper.cli.command import LazyGroup, TaughtCommand, all_commands
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.root import watchkeeper

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text()
COMMANDS = {" ".join(path): found for path, found in all_commands(watchkeeper)}
LEAVES = {path: found for path, found in COMMANDS.items() if not isinstance(found, click.Group)}


def sections() -> dict[str, str]:
    pieces = re.split(r"^#{1,2} (.*)$", PAGE, flags=re.MULTILINE)
    named = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    return {
        title.removeprefix("watchkeeper "): text for title, text in named.items() if title.startswith("watchkeeper ")
    }


def test_every_command_has_its_section_and_every_section_its_command() -> None:
    assert sorted(sections()) == sorted(LEAVES)


@pytest.mark.parametrize("path", LEAVES)
def test_a_section_names_every_option_of_its_command_and_no_other(path: str) -> None:
    told = set(re.findall(r"`(--[a-z][a-z-]*)", sections()[path]))
    known = {name for param in LEAVES[path].params for name in param.opts if name.startswith("--")}
    assert told == known


def test_the_page_and_the_code_list_the_same_exit_codes() -> None:
    table = PAGE.partition("## Exit codes")[2].partition("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)} == set(ExitCode)


def command_lines(text: str) -> list[str]:
    """Command lines in indented blocks."""
    return re.findall(r"^ {4}(watchkeeper .*)$", text, flags=re.MULTILINE)


def examples() -> Iterator[tuple[str, str]]:
    for source in ("README.md", "docs/cli.md"):
        for line in command_lines((ROOT / source).read_text()):
            yield source, line
    for path, found in [("", watchkeeper), *COMMANDS.items()]:
        if isinstance(found, (TaughtCommand, LazyGroup)):
            for _, line in found.examples:
                yield f"watchkeeper {path} --help", line


@pytest.mark.parametrize(("source", "line"), list(examples()))
def test_an_example_is_understood(source: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inner = re.search(r"\$\((.*)\)", line)
    words = shlex.split((inner[1] if inner else line).split(" | ")[0], comments=True)
    assert words[0] == "watchkeeper", source
    for word in words[1:]:
        # Examples name files that a reader would have.
        if re.search(r"\.jsonl?(\.gz)?$", word):
            (tmp_path / word).touch()
    understand(watchkeeper, words[1:])


def understand(found: click.Command, words: list[str]) -> None:
    """Parses a command line as far as the command itself, without running it."""
    with found.make_context(found.name, words) as context:
        if isinstance(found, click.Group):
            _, below, rest = found.resolve_command(context, [*context._protected_args, *context.args])
            assert below is not None
            understand(below, rest)


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_teaches_by_example(path: str) -> None:
    found = LEAVES[path]
    assert isinstance(found, TaughtCommand)
    assert found.examples
    for _, line in found.examples:
        assert f"watchkeeper {path}" in line
    help_text = found.get_help(click.Context(found, info_name=path))
    assert all(line in help_text for _, line in found.examples)
