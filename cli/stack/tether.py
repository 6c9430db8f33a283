"""Become another program that the kernel kills when the parent dies. Linux only; imports nothing of the project.

`python -I -S tether.py PARENT_PID PROGRAM ARGUMENT...` asks for SIGKILL at the parent's death (which survives exec),
checks that the parent has not died meanwhile, and becomes the program. A function run between fork and exec would do
the same, but is not safe in a parent with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NO_SUCH_PROGRAM = 127


def main() -> None:
    """Tie this process to its parent and become the program."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit(f"process {parent} has ended, so {command[0]} is not started")
    try:
        os.execvp(command[0], command)  # noqa: S606 - the stack's own command, no shell.
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(_NO_SUCH_PROGRAM)


if __name__ == "__main__":
    main()
