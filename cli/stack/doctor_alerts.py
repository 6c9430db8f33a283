"""The doctor's look at alerting: the file, the router, and whether people are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchkeeper.cli import formats
from watchkeeper.cli.alerts.place import alerts_path
from watchkeeper.cli.alerts.telling import UNDELIVERED_PAGE, router_problem, router_waits, telling_of
from watchkeeper.cli.stack.checks import Check
from watchkeeper.cli.store import open_store
from watchkeeper.dashboards.alerting.config_file import load_alerts
from watchkeeper.dashboards.alerting.errors import AlertsFileError

if TYPE_CHECKING:
    from pathlib import Path

    from watchkeeper.cli.stack.settings import StackSettings
    from watchkeeper.cli.stack.status import StackStatus

_ANSWER_SECONDS = 5
_UP = "start it by `watchkeeper up`"


def alerts_file(home: Path) -> Check:
    """Whether alerts.yaml can be read; secrets are not looked up: the router may have others."""
    path = alerts_path(None, home)
    if path is None:
        return Check("alerts.yaml", "ok", "none: alerts go to the router's log; `watchkeeper alerts new` writes one")
    try:
        config = load_alerts(path).config
    except AlertsFileError as error:
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        return Check("alerts.yaml", "fail", f"{error.problems[0]}{more}", f"watchkeeper alerts check {path}")
    counted = f"{formats.plural(len(config.channels), 'channel')}, {formats.plural(len(config.routes), 'route')}"
    return Check("alerts.yaml", "ok", f"{path}: {counted}")


def alert_router(settings: StackSettings, status: StackStatus) -> Check:
    """Whether the stack's router does its work."""
    part = status.part("alerts")
    if not settings.alerts_command:
        return Check("alert router", "ok", "not run by this stack")
    if not status.is_alive or part is None:
        return Check("alert router", "warn", "none is run by a stack here: nobody is told", _UP)
    if part.state != "running" or not part.pid:
        return Check("alert router", "fail", f"{part.state}: {part.detail}", f"see {part.log}")
    home = settings.data_dir.resolve()
    stands = router_problem(home, part.pid)
    if stands:
        return Check("alert router", "fail", stands, f"see {part.log}")
    waits = router_waits(home, part.pid)
    if waits:
        return Check("alert router", "warn", waits, f"wait a moment, or see {part.log}")
    return Check("alert router", "ok", f"process {part.pid}, which hears findings")


def alerts_told(dsn: str) -> Check:
    """Whether findings are heard, and channels take what they are told.

    Raises:
        StoreUnavailableError: nobody answers there.
        ConfigurationError: the store is not migrated.
    """
    with open_store(dsn, seconds=_ANSWER_SECONDS, slack_seconds=2) as store:
        telling = telling_of(store)
    if telling.problems:
        return Check("alerts", "warn", "; ".join(telling.problems), f"see {UNDELIVERED_PAGE}")
    delivered = sum(one.delivered for one in telling.channels)
    return Check("alerts", "ok", f"{formats.plural(delivered, 'message')} delivered in a day, none given up")
