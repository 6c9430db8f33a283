"""Addresses of the console's pages with something to see on them, found in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from console_graded_agent import AGENT, GRADER

from watchkeeper.cli.store import ReadStore
from watchkeeper.dashboards.console.app import all_pages

_SESSION: Final = """
SELECT session_id, agent_id, policy_address FROM sessions FINAL
WHERE tenant_id = {tenant:String} AND findings > 0
ORDER BY worst_severity = 'critical' DESC, worst_severity = 'high' DESC, events DESC LIMIT 1
"""
_FINDING: Final = """
SELECT finding_id FROM findings FINAL
WHERE tenant_id = {tenant:String} AND session_id = {session:String}
ORDER BY severity = 'critical' DESC, severity = 'high' DESC, detected_at LIMIT 1
"""
_INCIDENT: Final = """
SELECT finding_id FROM findings FINAL WHERE tenant_id = {tenant:String} AND kind = 'incident'
ORDER BY detected_at DESC LIMIT 1
"""
_COMMAND: Final = """
SELECT command_id FROM control_commands FINAL WHERE tenant_id = {tenant:String}
ORDER BY target_kind = 'session' DESC, issued_at DESC LIMIT 1
"""
_RUN: Final = """
SELECT run_id FROM eval_runs FINAL WHERE tenant_id = {tenant:String} ORDER BY started_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class World:
    """Whose pages are looked at.

    Attributes:
        fleet: the tenant of agents that ran.
        graded: the tenant of the agent whose sessions were graded.
    """

    store: ReadStore
    fleet: str
    graded: str

    def addresses(self) -> dict[str, str]:
        """An address of every page that can be looked at, by the page's path; without those of what is not there."""
        paths = [page.path for page in all_pages() if page.method == "GET"]
        known = self._known()
        return {
            path: known.get(path) or path
            for path in paths
            if known.get(path) or (path not in known and "{" not in path)
        }

    def _known(self) -> Mapping[str, str | None]:
        """Addresses of the pages that need to be told what to show; None where there is nothing of that kind."""
        session = self.store.row(_SESSION, tenant=self.fleet)
        assert session is not None, f"no session of {self.fleet} has findings"
        finding = self.store.row(_FINDING, tenant=self.fleet, session=session["session_id"])
        incident = self.store.row(_INCIDENT, tenant=self.fleet)
        command = self.store.row(_COMMAND, tenant=self.fleet)
        run = self.store.row(_RUN, tenant=self.graded)
        assert finding is not None
        graded = {"tenant": self.graded, "agent": AGENT}
        stream = graded | {"origin": "live", "family": "graders", "name": GRADER}
        whose = {"tenant": self.fleet, "agent": session["agent_id"]}
        return {
            "/sessions/{session:path}": _named("/sessions/", session["session_id"], tenant=self.fleet),
            "/findings/{finding:path}": _named("/findings/", finding["finding_id"]),
            "/incidents/{finding:path}": _named("/incidents/", (incident or finding)["finding_id"]),
            "/commands/{command:path}": _named("/commands/", command["command_id"]) if command else None,
            "/dashboards/{name}": "/dashboards/overview?range=1h",
            "/evaluation/runs/{run}": _named("/evaluation/runs/", run["run_id"]) if run else None,
            "/evaluation/scores": f"/evaluation/scores?{urlencode(graded | {'by': 'intent'})}",
            "/drift/stream": f"/drift/stream?{urlencode(stream)}",
            "/policies/{address}": _named("/policies/", session["policy_address"] or "default", **whose),
        }


def _named(folder: str, name: str, **query: str) -> str:
    return folder + quote(name, safe="") + (f"?{urlencode(query)}" if query else "")
