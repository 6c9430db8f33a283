"""For tests of agents that use the recorder: a transport that keeps what it is given, and a clock that stands still.

Example:
    >>> from watchkeeper.producers import Watchkeeper
    >>> from watchkeeper.producers.testing import MemoryTransport
    >>> memory = MemoryTransport()
    >>> watch = Watchkeeper(agent="support", transport=memory)
    >>> with watch.session() as s:
    ...     s.reasoning("The order is late.")
    >>> watch.close()
    True
    >>> memory.events()[1].data.text.text
    'The order is late.'
"""

from __future__ import annotations

from watchkeeper.producers.identity import ManualClock, RecordedIdentity
from watchkeeper.producers.transport.memory import MemoryTransport

__all__ = ["ManualClock", "MemoryTransport", "RecordedIdentity"]
