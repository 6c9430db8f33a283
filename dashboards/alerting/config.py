"""What `alerts.yaml` may say. Everything has a default: without a file nothing is sent, and all is recorded."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from watchkeeper.schemas.failure_modes import FailureMode, Severity
from watchkeeper.schemas.model import Model, Name

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=2000)]
Seconds = Annotated[float, Field(ge=0, le=2_592_000)]
PagingOrigin: TypeAlias = Literal["live", "simulated"]
"""Recordings that are imported never page."""

GroupField: TypeAlias = Literal["tenant", "agent", "mode", "kind", "severity", "environment", "version"]


class Secret(Model):
    """Where a secret is; it never stands in the file itself.

    Attributes:
        env: the environment variable that holds it.
        file: the file that holds it, relative to this one; the end of its line is no part of it.
    """

    env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    file: Annotated[str, StringConstraints(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("give either `env` or `file`")
        return self


class Channel(Model):
    """What all channels have.

    Attributes:
        timeout_seconds: for one attempt.
        attempts: after so many without success a message is given up, and the fallback channels are told.
    """

    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0
    attempts: Annotated[int, Field(ge=1, le=50)] = 8


class LogChannel(Channel):
    """The router's own log: for a start, or beside others."""

    kind: Literal["log"]


class WebhookChannel(Channel):
    """A POST of JSON, signed.

    Attributes:
        url: where to; a secret where the address is one.
        signing_key: signs each request by HMAC-SHA256; without one it is unsigned.
        headers: further ones.
    """

    kind: Literal["webhook"]
    url: Url | Secret
    signing_key: Secret | None = None
    headers: dict[str, str | Secret] = Field(default_factory=dict)


class SlackChannel(Channel):
    """An incoming webhook of Slack: its address is the secret."""

    kind: Literal["slack"]
    url: Secret


class PagerDutyChannel(Channel):
    """PagerDuty's Events API v2.

    Attributes:
        routing_key: the integration's.
        url: of another region, or of an event orchestration's own address.
    """

    kind: Literal["pagerduty"]
    routing_key: Secret
    url: Url = "https://events.pagerduty.com/v2/enqueue"


class EmailChannel(Channel):
    """Mail by SMTP.

    Attributes:
        security: `starttls` and `tls` check the server's certificate; `none` is for a relay on this machine.
        to: who gets it.
    """

    kind: Literal["email"]
    host: Name
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: Secret | None = None
    sender: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]
    to: Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")], ...], Field(min_length=1)]


class AlertmanagerChannel(Channel):
    """Alertmanager's API v2: alerts are held firing for as long as they are open.

    Attributes:
        url: its address, without `/api/v2/alerts`.
        token: sent as a bearer token.
        labels: further labels of each alert.
    """

    kind: Literal["alertmanager"]
    url: Url
    token: Secret | None = None
    labels: dict[str, str] = Field(default_factory=dict)


class AppriseChannel(Channel):
    """Any of the services that apprise knows, by its address, in which its secrets are."""

    kind: Literal["apprise"]
    url: Secret


AnyChannel = Annotated[
    LogChannel | WebhookChannel | SlackChannel | PagerDutyChannel | EmailChannel | AlertmanagerChannel | AppriseChannel,
    Field(discriminator="kind"),
]


class Match(Model):
    """Which findings; all that is given must fit, and what is left out fits all. `*` stands for any characters.

    Attributes:
        severity: at least so bad.
        modes: failure modes.
        origins: `simulated` sessions page only where a route says so.
    """

    severity: Severity = "info"
    modes: tuple[FailureMode, ...] = ()
    kinds: tuple[Pattern, ...] = ()
    agents: tuple[Pattern, ...] = ()
    tenants: tuple[Pattern, ...] = ()
    environments: tuple[Pattern, ...] = ()
    origins: Annotated[tuple[PagingOrigin, ...], Field(min_length=1)] = ("live",)


class Escalation(Model):
    """Who is paged when nobody took note.

    Attributes:
        after_seconds: from the first page on.
    """

    after_seconds: Annotated[float, Field(ge=1, le=2_592_000)]
    channels: Annotated[tuple[Key, ...], Field(min_length=1)]


class Timing(Model):
    """When is told what.

    Attributes:
        gather_seconds: from an alert's first finding to its page: what comes meanwhile stands in it.
        update_seconds: at least so long between two notices of one alert; doubled with each.
        longest_update_seconds: and at most so long, while there is news.
        close_seconds: an alert without a new finding for so long is closed: the next one opens another.
        cool_down_seconds: what comes back so soon after it was resolved is told as an update, not paged again.
    """

    gather_seconds: Seconds = 1.0
    update_seconds: Annotated[float, Field(ge=1, le=2_592_000)] = 300.0
    longest_update_seconds: Annotated[float, Field(ge=1, le=2_592_000)] = 14_400.0
    close_seconds: Annotated[float, Field(ge=1, le=2_592_000)] = 21_600.0
    cool_down_seconds: Seconds = 900.0


class Route(Model):
    """Where findings go: the first route that fits takes them, and those after it where it says `continue`.

    Attributes:
        channels: by name; none keeps what fits silent: it is recorded and counted.
        group_by: findings that agree in these are one alert, beside those of one session or delegation tree.
        timing: instead of the file's own.
    """

    match: Match = Field(default_factory=Match)
    channels: tuple[Key, ...] = ()
    also: Annotated[bool, Field(alias="continue")] = False
    group_by: Annotated[tuple[GroupField, ...], Field(min_length=1)] = ("tenant", "agent", "mode")
    timing: Timing | None = None
    escalate: tuple[Escalation, ...] = ()


class Maintenance(Model):
    """A window in which findings are held back: at its end they are told in one summary.

    Attributes:
        since: ISO 8601 with a zone, in quotes.
        until: the same.
    """

    name: Key
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    since: str
    until: str
    modes: tuple[FailureMode, ...] = ()
    agents: tuple[Pattern, ...] = ()
    tenants: tuple[Pattern, ...] = ()


class Storm(Model):
    """The bound of pages: beyond it, what is new is gathered in one alert, counted and listed.

    Attributes:
        pages: alerts of one severity that a channel is paged of within `seconds`.
    """

    pages: Annotated[int, Field(ge=1, le=1000)] = 10
    seconds: Annotated[float, Field(ge=10, le=86_400)] = 600.0


class Pipeline(Model):
    """When the pipeline itself is taken to be silent.

    Attributes:
        enabled: whether it is told.
        channels: who is told; by default all.
        after_seconds: of trouble without a break.
        stale_seconds: a worker whose figures are older has fallen silent.
        max_lag: records of a topic that may wait.
    """

    enabled: bool = True
    channels: tuple[Key, ...] = ()
    after_seconds: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    stale_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    max_lag: Annotated[int, Field(ge=1, le=2**40)] = 100_000


class Heartbeat(Model):
    """The dead man's switch: an address that is asked as long as all is well, and that tells when it was not.

    Attributes:
        url: of a service that expects to be asked, such as healthchecks.io or Dead Man's Snitch.
        every_seconds: how often.
    """

    url: Url | Secret
    every_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0


class AlertsConfig(Model):
    """The whole file.

    Attributes:
        channels: by name.
        routes: in their order.
        fallback: who is told that a channel does not take messages; by default all others.
        stale_seconds: findings that were found longer ago when they are heard are told in one summary.
        runbooks: what stands before a runbook's path, such as `https://github.com/us/ours/blob/main/`.
        console: the console's address, for links.
    """

    channels: dict[Key, AnyChannel] = Field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    timing: Timing = Field(default_factory=Timing)
    maintenance: tuple[Maintenance, ...] = ()
    storm: Storm = Field(default_factory=Storm)
    pipeline: Pipeline = Field(default_factory=Pipeline)
    heartbeat: Heartbeat | None = None
    fallback: tuple[Key, ...] = ()
    stale_seconds: Annotated[float, Field(ge=60, le=2_592_000)] = 3600.0
    runbooks: str = ""
    console: Url | None = None
