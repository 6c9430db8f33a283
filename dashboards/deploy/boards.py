"""Dashboards in Grafana."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from watchkeeper.dashboards.deploy.connection import Grafana
from watchkeeper.dashboards.deploy.content import Json, fingerprint, without
from watchkeeper.dashboards.deploy.resource import Found, our_version
from watchkeeper.dashboards.grafana.query import DATASOURCE
from watchkeeper.schemas.errors import ConfigurationError

TAG: Final = "watchkeeper"
_ADDED_BY_GRAFANA: Final = ("id", "version", "iteration")
_MESSAGE: Final = re.compile(r"watchkeeper (\S+) ([0-9a-f]{32})")


def documents(datasource_uid: str | None = None) -> dict[str, Json]:
    """The committed dashboards by uid.

    Args:
        datasource_uid: the data source that their panels ask; None for our own.

    Raises:
        ConfigurationError: a file of the installation cannot be read.
    """
    folder = resources.files("watchkeeper.dashboards.grafana") / "json"
    found: dict[str, Json] = {}
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".json"):
            continue
        try:
            document = json.loads(file.read_text())
        except ValueError as error:
            raise ConfigurationError(f"{file.name} of the installation is damaged ({error}): install again") from error
        found[document["uid"]] = _asking(document, datasource_uid) if datasource_uid else document
    return found


def _asking(content: Any, datasource_uid: str) -> Any:
    """The same with another data source."""
    if isinstance(content, dict):
        if content.get("uid") == DATASOURCE.uid and content.get("type") == DATASOURCE.type_val:
            return content | {"uid": datasource_uid}
        return {name: _asking(value, datasource_uid) for name, value in content.items()}
    if isinstance(content, list):
        return [_asking(value, datasource_uid) for value in content]
    return content


@dataclass(frozen=True, slots=True)
class BoardInGrafana:
    """One dashboard.

    A dashboard that a person moved into another folder stays there; only `force` brings it back.

    Attributes:
        grafana: where.
        name: its uid.
        document: its content; None for one that is not made any more.
        folder_uid: the folder into which a new one is put.
        force: put it into that folder also where it is in another.
    """

    grafana: Grafana
    name: str
    document: Mapping[str, Any] | None
    folder_uid: str
    force: bool = False
    kind: str = "dashboard"

    def wanted(self) -> Json | None:
        """The document, and the folder where that matters."""
        if self.document is None:
            return None
        content = without(self.document, *_ADDED_BY_GRAFANA)
        return content | {"folderUid": self.folder_uid} if self.force else content

    def look(self) -> Found | None:
        """The dashboard, and who wrote its latest version."""
        told = self.grafana.find(f"read the dashboard {self.name}", lambda api: api.dashboard.get_dashboard(self.name))
        if told is None:
            return None
        content, meta = without(told["dashboard"], *_ADDED_BY_GRAFANA), told["meta"]
        if self.force:
            content["folderUid"] = meta.get("folderUid", "")
        wanted = self.wanted()
        if content == wanted:
            return Found(content, ours=True, locked=bool(meta.get("provisioned")), raw=told)
        kept = self._kept_fingerprint(int(told["dashboard"].get("version", 0)))
        if wanted is not None and kept == fingerprint(without(wanted, "folderUid")) and not self.force:
            # Grafana itself writes older schemas anew: what we sent last is what would be sent.
            content = wanted
        who, when = meta.get("updatedBy", ""), str(meta.get("updated", ""))[:19]
        told_of = f"version {told['dashboard'].get('version', '?')}, saved by {who or 'somebody'} at {when}"
        return Found(content, ours=kept is not None, locked=bool(meta.get("provisioned")), told=told_of, raw=told)

    def _kept_fingerprint(self, version: int) -> str | None:
        """That of our last deployment, where the latest version is ours."""
        told = self.grafana.ask(
            f"read the versions of the dashboard {self.name}",
            lambda api: api.dashboard_versions.get_dashboard_versions_by_uid(self.name),
        )
        # Grafana before 11 answers with the list alone.
        versions = told["versions"] if isinstance(told, dict) else told
        latest = next((one for one in versions if one["version"] == version), None)
        match = _MESSAGE.fullmatch(latest.get("message") or "") if latest else None
        return match[2] if match else None

    def create(self) -> None:
        """Puts it into the folder."""
        self._write(self.folder_uid, None)

    def update(self, found: Found) -> None:
        """Puts it in the place of the version that was found, and of no later one."""
        meta = found.raw["meta"]
        folder = self.folder_uid if self.force else meta.get("folderUid", "")
        self._write(folder, found.raw["dashboard"]["version"])

    def _write(self, folder_uid: str, version: int | None) -> None:
        assert self.document is not None, "what is not made any more is not written"
        content = without(self.document, *_ADDED_BY_GRAFANA)
        body = {
            "dashboard": content | ({"version": version} if version is not None else {}),
            "folderUid": folder_uid,
            "message": f"watchkeeper {our_version()} {fingerprint(content)}",
            "overwrite": False,
        }
        self.grafana.ask(f"write the dashboard {self.name}", lambda api: api.dashboard.update_dashboard(body))

    def remove(self, found: Found) -> None:
        """Takes it away."""
        del found
        self.grafana.ask(f"remove the dashboard {self.name}", lambda api: api.dashboard.delete_dashboard(self.name))


def no_longer_made(grafana: Grafana, made: Mapping[str, Any]) -> list[BoardInGrafana]:
    """Dashboards with our tag that are none of those that are made now. Whether they are ours, their versions tell."""
    hits = grafana.ask(
        "search for dashboards", lambda api: api.search.search_dashboards(tag=TAG, type_="dash-db", limit=1000)
    )
    uids = sorted(hit["uid"] for hit in hits if hit["uid"] not in made)
    return [BoardInGrafana(grafana, uid, None, "") for uid in uids]
