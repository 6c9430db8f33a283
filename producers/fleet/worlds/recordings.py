"""Recordings of conversations, and a service that writes them down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from watchkeeper.producers.fleet.worlds import chance_for

QUICK_SECONDS: Final = 0.05
_SAID: Final = (
    "Good morning, I am calling about the delivery of last week.",
    "Two of the boxes were open when they arrived, and one was empty.",
    "I have photographs of all of them, shall I send these to you?",
    "That would help. I shall have them collected on Thursday between nine and twelve.",
    "Thursday is fine. Will the new ones come at the same time?",
    "They leave our warehouse tomorrow, so they should be with you before that.",
)


class Recordings:
    """Conversations by name. Where the name begins with `queued` the service has others before it."""

    def __init__(self, wait: Callable[[float], None], queued_seconds: float) -> None:
        self._wait = wait
        self._queued_seconds = queued_seconds

    def transcribe(self, recording: str) -> dict[str, Any]:
        """Write down what is said in a recording, with speakers and times."""
        self._wait(self._queued_seconds if recording.startswith("queued") else QUICK_SECONDS)
        chance = chance_for("recording", recording)
        lines = [
            {"at": 4 * number, "speaker": "caller" if number % 2 == 0 else "desk", "text": text}
            for number, text in enumerate(_SAID)
        ]
        return {"recording": recording, "seconds": chance.randint(24, 60), "lines": lines}
