"""What goes wrong with judges. The messages say what to do, and quote neither keys nor sessions.

JudgeRefusedError       the model will not judge this session, or its provider's filter will not let it
JudgeAnswerError        it answered, but not in the form that was asked for
JudgeUnavailableError   the endpoint does not answer, or not now
SpendingCapError        the next question could cost more than is left
"""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.errors import PermanentError, TransientError


class JudgeRefusedError(PermanentError):
    """The model will not judge this session."""


class JudgeAnswerError(PermanentError):
    """What the judge answered cannot be read."""


class JudgeUnavailableError(TransientError):
    """The endpoint does not answer, or not now."""


class SpendingCapError(PermanentError):
    """The next question could cost more than is left of the cap."""


OF_THE_SESSION: Final = (JudgeRefusedError, JudgeAnswerError)
"""Errors that the same session would meet again. All others are the endpoint's, its key's or its money's."""
