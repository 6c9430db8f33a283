"""All scenarios, in the order in which they are told: the ordinary, the failure modes, what only looks like one.

A failure mode that the pipeline learns to see gets a module here, and its scenarios join `REGISTRY`.
"""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.scenario import Registry
from watchkeeper.producers.fleet.scenarios.caps import CAPS
from watchkeeper.producers.fleet.scenarios.everyday import EVERYDAY
from watchkeeper.producers.fleet.scenarios.loops import LOOPS
from watchkeeper.producers.fleet.scenarios.near_misses import NEAR_MISSES
from watchkeeper.producers.fleet.scenarios.tools import TOOLS
from watchkeeper.producers.fleet.scenarios.trace import TRACE

REGISTRY: Final = Registry(EVERYDAY, TOOLS, CAPS, LOOPS, TRACE, NEAR_MISSES)
