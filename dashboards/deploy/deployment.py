"""All that is deployed to one Grafana, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchkeeper.dashboards.deploy import data_source
from watchkeeper.dashboards.deploy import folder as folders
from watchkeeper.dashboards.deploy.boards import BoardInGrafana, documents, no_longer_made
from watchkeeper.dashboards.deploy.connection import Grafana
from watchkeeper.dashboards.deploy.contact_point import ContactPoint, check_contact_point
from watchkeeper.dashboards.deploy.data_source import ClickHouse, DataSource
from watchkeeper.dashboards.deploy.folder import Folder
from watchkeeper.dashboards.deploy.resource import WRITES, Outcome, Resource, Standing, deploy, remove, stand
from watchkeeper.dashboards.deploy.rules import RuleGroup
from watchkeeper.dashboards.grafana.alert_rules import CONTACT_POINT
from watchkeeper.schemas.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to stand in Grafana.

    Attributes:
        folder: the uid of a folder that is there; None for our own, which is made where it is missing.
        datasource: the uid of a ClickHouse data source that is there; None for our own.
        clickhouse: what our own data source leads to; None to leave it as it is.
        alerts: whether alert rules are deployed.
        notify: the URL to which our own contact point posts; None for none of our own.
        contact_point: the name of a contact point that is there.
        runbooks: where the runbooks are published, a URL; None where nowhere.
    """

    folder: str | None = None
    datasource: str | None = None
    clickhouse: ClickHouse | None = None
    alerts: bool = True
    notify: str | None = None
    contact_point: str | None = None
    runbooks: str | None = None

    def __post_init__(self) -> None:
        if self.datasource is not None and self.clickhouse is not None:
            raise ConfigurationError("give --clickhouse for a data source of ours, or --datasource for yours, not both")
        if self.notify is not None and self.contact_point is not None:
            raise ConfigurationError(
                "give --notify for a contact point of ours, or --contact-point for yours, not both"
            )
        if not self.alerts and (self.notify or self.contact_point):
            raise ConfigurationError("--notify and --contact-point are for alert rules: leave --no-alerts out")
        for option, url in (("--notify", self.notify), ("--runbooks", self.runbooks)):
            if url is not None and not url.startswith(("https://", "http://")):
                raise ConfigurationError(f"{option} takes a URL that begins with https:// or http://")


@dataclass(frozen=True, slots=True)
class Report:
    """What was done.

    Attributes:
        outcomes: of each thing, in order.
        trouble: what keeps the data source from answering, in Grafana's words; None where it answers or was not asked.
    """

    outcomes: Sequence[Outcome]
    trouble: str | None = None

    @property
    def left(self) -> Sequence[Outcome]:
        """What was left alone, though it should be otherwise."""
        return [one for one in self.outcomes if one.left]

    @property
    def written(self) -> int:
        """How many things were written."""
        return sum(one.done in WRITES for one in self.outcomes)


class Deployment:
    """Deploys to one Grafana, compares with it, and takes away from it."""

    def __init__(self, grafana: Grafana, wishes: Wishes | None = None) -> None:
        self._grafana = grafana
        self._wishes = wishes or Wishes()
        self._folder_uid = self._wishes.folder or folders.UID
        self._datasource_uid = self._wishes.datasource or data_source.UID

    def deploy(self, *, force: bool = False, dry_run: bool = False) -> Report:
        """Makes everything stand as it should.

        Everything is read and compared before the first write, so that a token that may not read, or an address that
        is wrong, changes nothing. What is written is: folder, data source, contact point, dashboards, alert rules; an
        error ends it there, and the next run goes on.

        Args:
            force: overwrite what a person changed.
            dry_run: write nothing.

        Raises:
            WatchkeeperError: those of `Grafana.ask`, and of what is named and not there.
        """
        standings = self._stand(force=force)
        for one in standings:
            if one.found is None and isinstance(one.resource, DataSource):
                one.resource.check_address()
        outcomes: list[Outcome] = []
        trouble = None
        for standing in standings:
            outcomes.append(deploy(standing, force=force, dry_run=dry_run))
            if isinstance(standing.resource, DataSource) and not (dry_run and standing.found is None):
                trouble = standing.resource.trouble()
        return Report(outcomes, trouble)

    def diff(self) -> Sequence[Standing]:
        """How everything stands. Nothing is written."""
        return self._stand(force=False)

    def remove(self, *, force: bool = False, dry_run: bool = False) -> Report:
        """Takes away what is ours: alert rules, contact point, dashboards, data source, and the folder if it is empty.

        Args:
            force: also what a person changed.
            dry_run: take nothing away.
        """
        self._grafana.check()
        outcomes: list[Outcome] = []
        for standing in map(stand, self._removable()):
            if isinstance(standing.resource, ContactPoint) and standing.found is not None and outcomes[0].left:
                told = "the alert rules that stay name it"
                outcomes.append(Outcome("contact point", standing.resource.name, standing.state, "left alone", told))
            else:
                outcomes.append(remove(standing, force=force, dry_run=dry_run))
        own = Folder(self._grafana)
        if self._wishes.folder is None:
            outcomes.append(self._without_folder(own, outcomes, dry_run=dry_run))
        return Report(outcomes)

    def _stand(self, *, force: bool) -> list[Standing]:
        self._grafana.check()
        wishes = self._wishes
        if wishes.contact_point is not None:
            check_contact_point(self._grafana, wishes.contact_point)
        return [stand(one) for one in self._wanted(force=force)]

    def _wanted(self, *, force: bool) -> list[Resource]:
        wishes, grafana = self._wishes, self._grafana
        made = documents(wishes.datasource)
        wanted: list[Resource] = []
        if wishes.folder is None:
            wanted.append(Folder(grafana))
        elif Folder(grafana, name=wishes.folder).look() is None:
            raise ConfigurationError(
                f"Grafana has no folder with the uid {wishes.folder} (it stands in the folder's address): make it "
                "there, or leave --folder out for one of our own"
            )
        wanted.append(DataSource(grafana, wishes.clickhouse, self._datasource_uid, force))
        if wishes.notify is not None:
            wanted.append(ContactPoint(grafana, wishes.notify))
        wanted += [BoardInGrafana(grafana, uid, made[uid], self._folder_uid, force) for uid in made]
        wanted += _stale(no_longer_made(grafana, made))
        heard = CONTACT_POINT if wishes.notify is not None else wishes.contact_point
        if wishes.alerts:
            told = (self._datasource_uid, heard, wishes.runbooks)
            wanted.append(RuleGroup(grafana, self._folder_uid, *told, force=force))
        else:
            wanted += _stale([RuleGroup(grafana, self._folder_uid, self._datasource_uid, rules=None)])
        # It goes after the rules that name it.
        return wanted if wishes.notify is not None else [*wanted, *_stale([ContactPoint(grafana, None)])]

    def _removable(self) -> list[Resource]:
        made = documents()
        rules = RuleGroup(self._grafana, self._folder_uid, self._datasource_uid, rules=None)
        boards = [BoardInGrafana(self._grafana, uid, None, self._folder_uid) for uid in made]
        things: list[Resource] = [rules, ContactPoint(self._grafana, None), *boards]
        things += _stale(no_longer_made(self._grafana, made))
        if self._wishes.datasource is None:
            things.append(DataSource(self._grafana, None, removing=True))
        return things

    def _without_folder(self, own: Folder, outcomes: Sequence[Outcome], *, dry_run: bool) -> Outcome:
        standing = stand(own)
        if standing.found is None:
            return Outcome(own.kind, own.name, standing.state, "absent")
        if not dry_run:
            held = own.holds()
        else:
            going = sum(one.done == "removed" and one.kind == "dashboard" for one in outcomes)
            held = own.holds()
            held = {kind: count - (going if kind == "dashboard" else 0) for kind, count in held.items()}
            if any(one.done == "removed" and one.kind == "alert rules" for one in outcomes):
                held.pop("alertrule", None)
            held = {kind: count for kind, count in held.items() if count > 0}
        if held:
            told = ", ".join(f"{count} {kind}" for kind, count in sorted(held.items()))
            return Outcome(own.kind, own.name, standing.state, "left alone", f"still holds {told}")
        return remove(standing, force=False, dry_run=dry_run)


def _stale(things: Sequence[Resource]) -> list[Resource]:
    """Those that we deployed once and that are not wanted any more. What a person made or changed is not among them."""
    return [one for one in things if stand(one).state == "stale"]
