"""The data source that panels and alert rules ask: ClickHouse, by the plugin `grafana-clickhouse-datasource`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from watchkeeper.dashboards.deploy.connection import Grafana
from watchkeeper.dashboards.deploy.content import Json, fingerprint, without
from watchkeeper.dashboards.deploy.errors import GrafanaAccessError, GrafanaError, GrafanaUnavailableError
from watchkeeper.dashboards.deploy.resource import Found
from watchkeeper.dashboards.grafana.query import DATASOURCE
from watchkeeper.schemas.errors import ConfigurationError

UID: Final = str(DATASOURCE.uid)
PLUGIN: Final = str(DATASOURCE.type_val)
NAME: Final = "Watchkeeper"
_KEPT: Final = "watchkeeperFingerprint"
_QUERY_TIMEOUT_SECONDS: Final = "30"
_DIAL_TIMEOUT_SECONDS: Final = "10"


@dataclass(frozen=True, slots=True)
class ClickHouse:
    """ClickHouse as Grafana reaches it, over HTTP.

    Attributes:
        user: one that may read and no more.
    """

    host: str
    port: int
    database: str
    user: str = ""
    password: str = field(default="", repr=False)
    secure: bool = False

    def settings(self) -> Json:
        """As the plugin keeps them; without the password."""
        told: Json = {
            "host": self.host,
            "port": self.port,
            "protocol": "http",
            "username": self.user,
            "defaultDatabase": self.database,
            "dialTimeout": _DIAL_TIMEOUT_SECONDS,
            "queryTimeout": _QUERY_TIMEOUT_SECONDS,
        }
        return told | ({"secure": True} if self.secure else {})


@dataclass(frozen=True, slots=True)
class DataSource:
    """The data source.

    Grafana never tells the password again, so a new one is sent only where something else changes too, or by force.

    Attributes:
        grafana: where.
        clickhouse: what it leads to; None to take the one that is there as it is.
        name: its uid.
        force: send everything again, whatever is there.
        removing: it is to be taken away.
    """

    grafana: Grafana
    clickhouse: ClickHouse | None
    name: str = UID
    force: bool = False
    removing: bool = False
    kind: str = "data source"

    def wanted(self) -> Json | None:
        """Name, plugin and settings; of one that is taken as it is, its plugin; None where it is to go."""
        if self.removing:
            return None
        if self.clickhouse is None:
            return {"type": PLUGIN}
        wanted = {"name": NAME, "type": PLUGIN, "access": "proxy", "jsonData": self.clickhouse.settings()}
        return wanted | ({"password": "as given"} if self.force else {})

    def look(self) -> Found | None:
        """The data source.

        Raises:
            ConfigurationError: it is somebody's own, and not there, or no ClickHouse.
        """
        told = self.grafana.find(
            f"read the data source {self.name}", lambda api: api.datasource.get_datasource_by_uid(self.name)
        )
        if told is None:
            if self.name != UID:
                raise ConfigurationError(
                    f"Grafana has no data source with the uid {self.name} (it stands in its page's address)"
                )
            return None
        if self.clickhouse is None and not self.removing:
            if told["type"] != PLUGIN:
                raise ConfigurationError(f"the data source {self.name} is of the type {told['type']}, not {PLUGIN}")
            return Found({"type": told["type"]}, ours=False, raw=told)
        json_data = told.get("jsonData") or {}
        # The plugin's page of settings adds its own version.
        content = {name: told.get(name) for name in ("name", "type", "access")} | {
            "jsonData": without(json_data, _KEPT, "version")
        }
        ours = json_data.get(_KEPT) == fingerprint(content)
        return Found(content, ours=ours, locked=bool(told.get("readOnly")), raw=told)

    def create(self) -> None:
        """Makes it. It does not become the default.

        Raises:
            ConfigurationError: nothing says what it leads to.
        """
        self.check_address()
        body = self._body() | {"uid": self.name, "isDefault": False}
        self.grafana.ask(f"make the data source {self.name}", lambda api: api.datasource.create_datasource(body))

    def update(self, found: Found) -> None:
        """Changes it; whether it is the default stays."""
        kept = {name: found.raw[name] for name in ("isDefault", "version") if name in found.raw}
        body = self._body() | kept | {"uid": self.name}
        self.grafana.ask(
            f"write the data source {self.name}",
            lambda api: api.datasource.update_datasource_by_uid(self.name, body),
        )

    def check_address(self) -> None:
        """Makes sure that it is known what it leads to.

        Raises:
            ConfigurationError: it is not.
        """
        if self.clickhouse is None:
            raise ConfigurationError(
                f"Grafana has no data source {self.name} yet: give --clickhouse "
                "http://user:password@host:port/database as Grafana reaches it, or --datasource with the uid of one "
                "that it has"
            )

    def _body(self) -> Json:
        wanted = self.wanted()
        assert self.clickhouse is not None, "what is taken as it is, or away, is not written"
        assert wanted is not None
        content = without(wanted, "password")
        content["jsonData"] = content["jsonData"] | {_KEPT: fingerprint(content)}
        password = {"secureJsonData": {"password": self.clickhouse.password}} if self.clickhouse.password else {}
        return content | password

    def remove(self, found: Found) -> None:
        """Takes it away."""
        del found
        self.grafana.ask(
            f"remove the data source {self.name}", lambda api: api.datasource.delete_datasource_by_uid(self.name)
        )

    def trouble(self) -> str | None:
        """What keeps the data source from answering; None where it answers.

        Raises:
            GrafanaAccessError: the plugin is not installed.
        """
        try:
            told: Any = self.grafana.ask(
                f"ask for the health of the data source {self.name}", lambda api: api.datasource.health(self.name)
            )
        except (GrafanaError, GrafanaUnavailableError) as error:
            if "plugin" in str(error).lower():
                raise GrafanaAccessError(
                    f"{error}; install the plugin {PLUGIN} (grafana cli plugins install {PLUGIN}) and start "
                    "Grafana again"
                ) from error
            return str(error)
        return None if told.get("status") == "OK" else str(told.get("message"))
