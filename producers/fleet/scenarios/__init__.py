"""All scenarios, in the order in which they are told: the ordinary, the failure modes, what only looks like one.

A failure mode that the pipeline learns to see gets a module here, and its scenarios join `REGISTRY`.
"""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.scenario import Registry
from watchkeeper.producers.fleet.scenarios.caps import CAPS
from watchkeeper.producers.fleet.scenarios.claims import CLAIMS, CLAIMS_EVERYDAY, CLAIMS_NEAR
from watchkeeper.producers.fleet.scenarios.drifting import DRIFTING
from watchkeeper.producers.fleet.scenarios.everyday import EVERYDAY
from watchkeeper.producers.fleet.scenarios.lookups import LOOKUPS, LOOKUPS_EVERYDAY, LOOKUPS_NEAR
from watchkeeper.producers.fleet.scenarios.loops import LOOPS
from watchkeeper.producers.fleet.scenarios.mail import MAIL, MAIL_EVERYDAY, MAIL_NEAR
from watchkeeper.producers.fleet.scenarios.near_misses import NEAR_MISSES
from watchkeeper.producers.fleet.scenarios.offers import OFFERS, OFFERS_EVERYDAY, OFFERS_NEAR
from watchkeeper.producers.fleet.scenarios.parcels import PARCELS, PARCELS_EVERYDAY, PARCELS_NEAR
from watchkeeper.producers.fleet.scenarios.payments import PAYMENTS, PAYMENTS_EVERYDAY, PAYMENTS_NEAR
from watchkeeper.producers.fleet.scenarios.spending import SPENDING, SPENDING_EVERYDAY
from watchkeeper.producers.fleet.scenarios.teams import TEAMS, TEAMS_EVERYDAY, TEAMS_NEAR
from watchkeeper.producers.fleet.scenarios.tools import TOOLS
from watchkeeper.producers.fleet.scenarios.trace import TRACE
from watchkeeper.producers.fleet.scenarios.transcripts import TRANSCRIPTS, TRANSCRIPTS_EVERYDAY, TRANSCRIPTS_NEAR

REGISTRY: Final = Registry(
    EVERYDAY,
    OFFERS_EVERYDAY,
    CLAIMS_EVERYDAY,
    PAYMENTS_EVERYDAY,
    SPENDING_EVERYDAY,
    LOOKUPS_EVERYDAY,
    MAIL_EVERYDAY,
    TEAMS_EVERYDAY,
    PARCELS_EVERYDAY,
    TRANSCRIPTS_EVERYDAY,
    TOOLS,
    CAPS,
    SPENDING,
    LOOPS,
    TRACE,
    OFFERS,
    CLAIMS,
    PAYMENTS,
    LOOKUPS,
    MAIL,
    TEAMS,
    PARCELS,
    TRANSCRIPTS,
    DRIFTING,
    NEAR_MISSES,
    OFFERS_NEAR,
    CLAIMS_NEAR,
    PAYMENTS_NEAR,
    LOOKUPS_NEAR,
    MAIL_NEAR,
    TEAMS_NEAR,
    PARCELS_NEAR,
    TRANSCRIPTS_NEAR,
)
