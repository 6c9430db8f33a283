"""Clients of a parent process, in the child of a fork: kept for ever, because they cannot be destroyed there.

To destroy one waits for threads that the fork did not copy: the child would crash, or hang, when its interpreter ends
and clears whatever still refers to the client. So the child holds a reference that nothing ever lets go of. The
memory is the parent's until somebody writes to it, and costs nothing.
"""

from __future__ import annotations

import ctypes


def keep_for_ever(client: object) -> None:
    """Takes a reference that even the interpreter's end does not give back."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(client))
