"""How the fleet's recorders are connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchkeeper.producers import Settings, Watchkeeper
from watchkeeper.producers.fleet.faults import FaultyTransport
from watchkeeper.producers.outlets import is_disabled
from watchkeeper.producers.settings import DISABLED_VARIABLE
from watchkeeper.schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from watchkeeper.producers.fleet.agent_spec import AgentSpec
    from watchkeeper.producers.fleet.cast import Wiring
    from watchkeeper.producers.fleet.faults import Fault
    from watchkeeper.producers.stops import OnStop

ENVIRONMENT = "demo"


def over_kafka(bootstrap: str, tenant: str) -> Wiring:
    """Connects the fleet to a broker, as an agent in production is: events there, commands back.

    Args:
        bootstrap: the broker's address.
        tenant: whose the sessions are. A run that has its own stands beside earlier ones in the same store.

    Raises:
        ConfigurationError: the environment makes every recorder a no-op.
    """
    if is_disabled():
        raise ConfigurationError(f"{DISABLED_VARIABLE} is set, so that nothing is recorded: unset it")

    def wire(spec: AgentSpec, on_stop: OnStop, fault: Fault | None) -> Watchkeeper:
        if fault is None:
            return Watchkeeper(
                agent=spec.name,
                policy=spec.policy,
                bootstrap=bootstrap,
                tenant=tenant,
                agent_version=spec.version,
                environment=ENVIRONMENT,
                on_stop=on_stop,
                origin="simulated",
            )
        # Here and not above: whoever uses no broker does not load its client.
        from watchkeeper.producers.transport.kafka import KafkaTransport  # noqa: PLC0415

        return Watchkeeper(
            agent=spec.name,
            policy=spec.policy,
            transport=FaultyTransport(KafkaTransport(bootstrap, Settings(), {}), fault),
            tenant=tenant,
            agent_version=spec.version,
            environment=ENVIRONMENT,
            origin="simulated",
        )

    return wire
