"""Errors of the commands as the console knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydantic import ValidationError

from watchkeeper.cli.exit_codes import AmbiguousError, NotFoundError
from watchkeeper.dashboards.console.errors import AskedWrongError, NotThereError


@contextmanager
def as_not_there() -> Iterator[None]:
    """What does not exist, or could be several things, is a page that is not there."""
    try:
        yield
    except (NotFoundError, AmbiguousError) as error:
        raise NotThereError(str(error)) from error


def as_asked_wrong(error: ValidationError, names: Mapping[str, str]) -> AskedWrongError:
    """The first thing that is wrong, by the name that the form gives it."""
    problem = error.errors(include_url=False)[0]
    field = ".".join(map(str, problem["loc"]))
    return AskedWrongError(f"{names.get(field, field)}: {problem['msg']}")
