"""What can go wrong between us and a Grafana."""

from __future__ import annotations

from watchkeeper.schemas.errors import ConfigurationError, PermanentError, TransientError


class GrafanaError(PermanentError):
    """Grafana refused a request.

    Attributes:
        status: its HTTP status.
        said: its own message.
    """

    def __init__(self, message: str, *, status: int, said: str) -> None:
        super().__init__(message)
        self.status = status
        self.said = said


class GrafanaConflictError(GrafanaError):
    """Something in Grafana stands in the way (409), or came in between (412): it may succeed when it is tried again."""


class GrafanaAccessError(ConfigurationError):
    """The address, the token or its permissions must be put right first."""


class GrafanaUnavailableError(TransientError):
    """Grafana did not answer, or not in time, or with an error of its own."""
