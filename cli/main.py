"""The entry point of the `watchkeeper` command.

Only the standard library is imported before the command line is known: an agent's process has Watchkeeper installed
without the extra that the command needs, and must be told so in one line.
"""

from __future__ import annotations

import io
import sys

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.extras import missing_extra


def main() -> None:
    """Runs the command that the command line names, and exits with a code of `watchkeeper.cli.exit_codes`."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not end a command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # click comes with the extra `cli`.
        from watchkeeper.cli.root import watchkeeper  # noqa: PLC0415
    except ModuleNotFoundError as error:
        advice = missing_extra(error)
        if advice is None:
            raise
        sys.stderr.write(f"watchkeeper: {advice}\n")
        sys.exit(ExitCode.CONFIGURATION)
    watchkeeper()


if __name__ == "__main__":
    main()
