"""Scores on their way to `agent.scores`."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.cli.sending import Outgoing, Sender
from watchkeeper.schemas.scores import Score
from watchkeeper.schemas.topics import SCORES


class ScorePublisher:
    """See `watchkeeper.evals.scheduling.ports.Publisher`.

    Args:
        bootstrap: Kafka's address.
    """

    def __init__(self, bootstrap: str) -> None:
        self._sender = Sender(bootstrap)

    def publish(self, scores: Sequence[Score]) -> None:
        """Returns when every score is acknowledged; raises as `Sender.send`."""
        self._sender.send(
            [Outgoing(SCORES.name, score.subject.encode(), score.model_dump_json().encode()) for score in scores]
        )
