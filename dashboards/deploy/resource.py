"""What all things that are deployed have in common: how they stand, and what is to be done with each.

Nothing that a person changed in Grafana is overwritten or taken away unless it is forced. That the last change was ours
is told by a fingerprint of what was deployed, kept where Grafana keeps it beside the thing: in the message of a
dashboard's latest version, in the data source's `jsonData`, in an annotation of each alert rule, in a comment of the
contact point's title. A content whose fingerprint is another one, or has none, was written by somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, Final, Literal, Protocol

from watchkeeper.dashboards.deploy.content import Difference, Json, differences

State = Literal["missing", "same", "outdated", "changed", "locked", "stale"]
"""How a thing stands in Grafana.

- `missing`: it is not there.
- `same`: it is as it would be deployed.
- `outdated`: it is as we deployed it once, and another content would be deployed now.
- `changed`: somebody else wrote it, or changed it since.
- `locked`: it differs, and Grafana takes it from a file: nothing over the API can change it.
- `stale`: we deployed it once, and it is not made any more.
"""

Done = Literal["created", "updated", "overwritten", "removed", "unchanged", "left alone", "absent"]
WRITES: Final = frozenset({"created", "updated", "overwritten", "removed"})


@dataclass(frozen=True, slots=True)
class Found:
    """A thing as it stands in Grafana.

    Attributes:
        content: made comparable, as `Resource.wanted` is.
        ours: the last write was ours.
        locked: Grafana takes it from a file.
        told: who wrote it last and when, for messages; empty where Grafana does not say.
        raw: what Grafana answered.
    """

    content: Json
    ours: bool
    locked: bool = False
    told: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)


class Resource(Protocol):
    """One thing that is deployed."""

    @property
    def kind(self) -> str:
        """What it is: `dashboard`."""

    @property
    def name(self) -> str:
        """Its uid."""

    def wanted(self) -> Json | None:
        """Its content as it is compared; None where it is not made any more."""

    def look(self) -> Found | None:
        """It as it stands in Grafana; None where it is not there."""

    def create(self) -> None:
        """Puts it there."""

    def update(self, found: Found) -> None:
        """Puts it in the place of what was found. What came in between is not overwritten."""

    def remove(self, found: Found) -> None:
        """Takes it away."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A thing, how it stands, and how that differs from what would be deployed."""

    resource: Resource
    state: State
    found: Found | None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done with a thing, or on a dry run would be.

    Attributes:
        detail: why, where that is not plain; else empty.
    """

    kind: str
    name: str
    state: State
    done: Done
    detail: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def left(self) -> bool:
        """Whether it was left alone, though it should be otherwise."""
        return self.done == "left alone"


def stand(resource: Resource) -> Standing:
    """Looks at a thing in Grafana and compares."""
    found, wanted = resource.look(), resource.wanted()
    if found is None:
        return Standing(resource, "missing", None)
    if wanted is None:
        return Standing(resource, "stale" if found.ours else "changed", found)
    unlike = tuple(differences(found.content, wanted))
    if not unlike:
        return Standing(resource, "same", found)
    state: State = "locked" if found.locked else "outdated" if found.ours else "changed"
    return Standing(resource, state, found, unlike)


def deploy(standing: Standing, *, force: bool, dry_run: bool) -> Outcome:
    """Makes a thing stand as it should, unless a person changed it.

    Args:
        standing: how it stands.
        force: overwrite what a person changed.
        dry_run: only say what would be done.
    """
    resource, found, state = standing.resource, standing.found, standing.state
    if found is None:
        if not dry_run:
            resource.create()
        return _outcome(standing, "created")
    if state == "same":
        return _outcome(standing, "unchanged")
    if state == "locked" or (state == "changed" and not force):
        return _outcome(standing, "left alone", why_left(standing, "overwrites"))
    if not dry_run:
        (resource.remove if state == "stale" else resource.update)(found)
    if state == "stale":
        return _outcome(standing, "removed", "is not made any more")
    return _outcome(standing, "updated" if state == "outdated" else "overwritten", found.told)


def remove(standing: Standing, *, force: bool, dry_run: bool) -> Outcome:
    """Takes a thing away, unless a person changed it.

    Args:
        standing: how it stands.
        force: also what a person changed.
        dry_run: only say what would be done.
    """
    found = standing.found
    if found is None:
        return _outcome(standing, "absent")
    if found.locked or (standing.state == "changed" and not force):
        return _outcome(standing, "left alone", why_left(standing, "removes"))
    if not dry_run:
        standing.resource.remove(found)
    return _outcome(standing, "removed")


def why_left(standing: Standing, verb: str) -> str:
    """Why a thing was left alone."""
    found = standing.found
    if found is not None and found.locked:
        return "Grafana takes it from a file: change that"
    told = f" ({found.told})" if found is not None and found.told else ""
    return f"changed in Grafana{told}; --force {verb} it"


def _outcome(standing: Standing, done: Done, detail: str = "") -> Outcome:
    resource = standing.resource
    return Outcome(resource.kind, resource.name, standing.state, done, detail, standing.differences)


def our_version() -> str:
    """The version of Watchkeeper that deploys."""
    return metadata.version("watchkeeper")
