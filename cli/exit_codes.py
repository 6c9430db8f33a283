"""What the exit codes of `watchkeeper` mean: the one place where they are decided.

| code | meaning |
|---|---|
| 0 | it was done, and nothing wrong was found |
| 1 | something was found wrong, or what was asked failed |
| 2 | the command line cannot be understood |
| 3 | what was named does not exist |
| 4 | `evals run`: the candidate is worse than the baseline, significantly |
| 5 | `evals run`: it cannot be said whether it is: too few cases, or too many failures |
| 69 | ClickHouse, Kafka or Grafana does not answer now; the same command may succeed later |
| 70 | an error in Watchkeeper itself |
| 78 | a setting, an address or a file must be put right first |
| 130 | interrupted from the keyboard |
| 141 | whoever read the output went away, as `head` does |

69, 70 and 78 are `EX_UNAVAILABLE`, `EX_SOFTWARE` and `EX_CONFIG` of `sysexits.h`; 130 and 141 are what a shell shows
for SIGINT and SIGPIPE.
"""

from __future__ import annotations

from enum import IntEnum

from watchkeeper.schemas.errors import ConfigurationError, TransientError, WatchkeeperError


class ExitCode(IntEnum):
    """See the table above."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    WORSE = 4
    UNDECIDED = 5
    UNAVAILABLE = 69
    INTERNAL = 70
    CONFIGURATION = 78
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141


class NotFoundError(WatchkeeperError):
    """What the command line names does not exist; the message names what is near."""


class AmbiguousError(WatchkeeperError):
    """What the command line names could be several things; the message names the option that tells which."""


def code_of(error: WatchkeeperError) -> ExitCode:
    """The exit code of an error that a person can do something about."""
    if isinstance(error, NotFoundError):
        return ExitCode.NOT_FOUND
    if isinstance(error, AmbiguousError):
        return ExitCode.USAGE
    if isinstance(error, TransientError):
        return ExitCode.UNAVAILABLE
    if isinstance(error, ConfigurationError):
        return ExitCode.CONFIGURATION
    return ExitCode.FAILED
