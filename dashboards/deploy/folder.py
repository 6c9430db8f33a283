"""The folder of dashboards and alert rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watchkeeper.dashboards.deploy.connection import Grafana
from watchkeeper.dashboards.deploy.content import Json
from watchkeeper.dashboards.deploy.resource import Found

UID: Final = "watchkeeper"
TITLE: Final = "Watchkeeper"


@dataclass(frozen=True, slots=True)
class Folder:
    """Our own folder. Its title and place are whoever's: only that it is there matters.

    Attributes:
        grafana: where.
    """

    grafana: Grafana
    kind: str = "folder"
    name: str = UID

    def wanted(self) -> Json:
        """That it is there."""
        return {"uid": self.name}

    def look(self) -> Found | None:
        """The folder, where there is one."""
        told = self.grafana.find(f"read the folder {self.name}", lambda api: api.folder.get_folder(self.name))
        return None if told is None else Found({"uid": told["uid"]}, ours=True, raw=told)

    def create(self) -> None:
        """Makes it."""
        self.grafana.ask(
            f"make the folder {self.name}", lambda api: api.folder.create_folder(title=TITLE, uid=self.name)
        )

    def update(self, found: Found) -> None:
        """There is nothing in it to change."""
        del found

    def remove(self, found: Found) -> None:
        """Takes it away. Grafana refuses where alert rules are in it."""
        del found
        self.grafana.ask(f"remove the folder {self.name}", lambda api: api.folder.delete_folder(self.name))

    def holds(self) -> dict[str, int]:
        """How many things of each kind are in it; the kinds of which there are some."""
        told = self.grafana.ask(
            f"count what is in the folder {self.name}", lambda api: api.client.GET(f"/folders/{self.name}/counts")
        )
        return {kind: count for kind, count in told.items() if isinstance(count, int) and count > 0}
