"""What an alert rule for Grafana is, over the same data source as the dashboards; which there are: `alerts_in_use`.

A rule names what happened, the runbook, and the command that shows more. Its statement gives one number for each set of
labels; it fires while the number is beyond the limit.

The same rules are deployed over Grafana's API (`dashboards/deploy`) and written as a provisioning file for docker
compose (`alert_files`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from watchkeeper.dashboards.grafana.query import DATASOURCE, PLUGIN_VERSION, sql
from watchkeeper.schemas.failure_modes import FAILURE_MODES, Severity

GROUP: Final = "watchkeeper"
INTERVAL_SECONDS: Final = 60
CONTACT_POINT: Final = "Watchkeeper"

_EXPRESSION: Final = {"type": "__expr__", "uid": "__expr__"}
OF_LABEL: Final = "{{ $labels.mode }}.md"
"""The runbook of the mode that a statement's row names."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule.

    Attributes:
        uid: stays the same for ever.
        summary: one sentence; Grafana's templates (`$labels`, `$values`) are filled in when it fires.
        description: what it means, and what it does not.
        statement: under `sql/alerts/`: labels, and the number as `value`.
        limit: the rule fires beyond it.
        beyond: above or below.
        looks_back_seconds: how far the statement sees.
        lasts: for how long the number must be beyond the limit, as Prometheus writes durations.
        severity: a label, for routes.
        runbook: in `docs/runbooks/`.
        command: shows more.
        nothing: what it means that the statement gives no rows.
        failing: what it means that the statement cannot be asked.
    """

    uid: str
    title: str
    summary: str
    description: str
    statement: str
    limit: float
    looks_back_seconds: int
    severity: Severity
    runbook: str
    command: str
    beyond: Literal["gt", "lt"] = "gt"
    lasts: str = "0s"
    nothing: Literal["OK", "Alerting", "NoData"] = "OK"
    failing: Literal["OK", "Alerting", "Error"] = "Error"

    @property
    def sql(self) -> str:
        """The statement, with the data source's macros in it."""
        return sql(f"alerts/{self.statement}")

    def labels(self) -> dict[str, str]:
        """What routes and silences go by."""
        return {"severity": self.severity, "source": "watchkeeper"}

    def annotations(self, runbooks: str | None = None, grafana: str = "") -> dict[str, str]:
        """What is told when it fires.

        Args:
            runbooks: where the pages of `docs/runbooks/` are published, a URL that ends with `/`; None to link to the
                dashboard Runbooks, which has those of the failure modes.
            grafana: where Grafana is reached, without a slash at its end; empty for links within it.
        """
        told = {
            "summary": self.summary,
            "description": self.description,
            "command": self.command,
            "runbook": f"docs/runbooks/{self.runbook}",
        }
        link = runbooks + self.runbook if runbooks else self._runbook_on(grafana)
        return told | ({"runbook_url": link} if link else {})

    def _runbook_on(self, grafana: str) -> str | None:
        """The runbook's panel on the dashboard Runbooks, which counts as the catalogue does."""
        mode = self.runbook.removesuffix(".md")
        if mode == OF_LABEL.removesuffix(".md"):
            known = "{{ else ".join(f'if eq $labels.mode "{one}" }}}}{at}' for at, one in enumerate(FAILURE_MODES, 1))
            panel = f"{{{{ {known}{{{{ end }}}}"
        elif mode in FAILURE_MODES:
            panel = str(FAILURE_MODES.index(mode) + 1)
        else:
            return None
        return f"{grafana}/d/watchkeeper-runbooks?viewPanel={panel}"

    def data(self, datasource_uid: str) -> list[dict[str, Any]]:
        """The query, and the condition upon it, as Grafana keeps them."""
        query = {
            "datasource": {"type": DATASOURCE.type_val, "uid": datasource_uid},
            "editorType": "sql",
            "format": 1,
            "intervalMs": 1000,
            "maxDataPoints": 43200,
            "pluginVersion": PLUGIN_VERSION,
            "queryType": "table",
            "rawSql": self.sql,
            "refId": "A",
        }
        condition = {
            "conditions": [{"evaluator": {"params": [self.limit], "type": self.beyond}}],
            "datasource": _EXPRESSION,
            "expression": "A",
            "intervalMs": 1000,
            "maxDataPoints": 43200,
            "refId": "B",
            "type": "threshold",
        }
        return [
            {
                "refId": "A",
                "datasourceUid": datasource_uid,
                "queryType": "table",
                "relativeTimeRange": {"from": self.looks_back_seconds, "to": 0},
                "model": query,
            },
            {
                "refId": "B",
                "datasourceUid": _EXPRESSION["uid"],
                "queryType": "",
                "relativeTimeRange": {"from": 0, "to": 0},
                "model": condition,
            },
        ]


def webhook(url: str) -> Mapping[str, str]:
    """The settings of a contact point that posts to a URL."""
    return {"httpMethod": "POST", "url": url}
