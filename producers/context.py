"""Which session the code that runs belongs to.

The current session is a context variable. Tasks of asyncio inherit it by themselves. A thread does not: give it a
function wrapped by `Watchkeeper.bind`, which runs in a copy of the context in which it was bound.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from watchkeeper.producers.session import Session

P = ParamSpec("P")
R = TypeVar("R")

CURRENT: Final[contextvars.ContextVar[Session | None]] = contextvars.ContextVar("watchkeeper_session", default=None)


def current() -> Session | None:
    """The session that the calling code runs in.

    One that has ended is passed over for the one around it: a session that is left in another context than it was
    entered in, as a generator may do, stays behind in the first.
    """
    session = CURRENT.get()
    while session is not None and session.is_over:
        session = session.around
    return session


def bind(function: Callable[P, R]) -> Callable[P, R]:
    """Wraps a function so that it sees the session that is current now, whichever thread it runs in.

    Each call runs in a copy of its own: the same bound function may run in many threads at once.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from watchkeeper.producers import Watchkeeper
        >>> from watchkeeper.producers.testing import MemoryTransport
        >>> watch = Watchkeeper(agent="support", transport=MemoryTransport())
        >>> with watch.session() as s, ThreadPoolExecutor() as pool:
        ...     pool.submit(watch.bind(lambda: watch.current() is s)).result()
        True
        >>> watch.close()
        True
    """
    bound = contextvars.copy_context()

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return bound.copy().run(function, *args, **kwargs)

    return inner
