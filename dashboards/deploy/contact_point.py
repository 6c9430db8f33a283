"""The contact point that hears of our alert rules.

The rules name it themselves (`notification_settings`), so that nobody's tree of notification policies is touched:
Grafana's API can replace that tree as a whole only, and locks it in the editor when it does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from watchkeeper.dashboards.deploy.connection import Grafana
from watchkeeper.dashboards.deploy.content import Json, fingerprint
from watchkeeper.dashboards.deploy.resource import Found
from watchkeeper.dashboards.grafana.alert_rules import CONTACT_POINT, webhook
from watchkeeper.schemas.errors import ConfigurationError

UID: Final = "watchkeeper"
TITLE: Final = '{{ template "default.title" . }}'
_COMMENT: Final = re.compile(r"^\{\{/\* watchkeeper ([0-9a-f]{32}) \*/\}\}")


@dataclass(frozen=True, slots=True)
class ContactPoint:
    """Our own contact point: a webhook.

    Attributes:
        grafana: where.
        url: to which it posts, which may hold a secret; None where it is to be taken away.
    """

    grafana: Grafana
    url: str | None
    kind: str = "contact point"
    name: str = UID

    def wanted(self) -> Json | None:
        """It as it is compared: the URL stands for itself without what may be secret in it."""
        if self.url is None:
            return None
        return _comparable(
            {"name": CONTACT_POINT, "type": "webhook", "settings": dict(webhook(self.url)) | {"title": TITLE}}
        )

    def look(self) -> Found | None:
        """It as Grafana has it."""
        listed = self.grafana.ask(
            f"read the contact point {CONTACT_POINT}",
            lambda api: api.alertingprovisioning.get_contactpoints(name=CONTACT_POINT),
        )
        told = next((one for one in listed if one["uid"] == self.name), None)
        if told is None:
            return None
        content = _comparable(told)
        kept = _COMMENT.match(str(told["settings"].get("title", "")))
        ours = kept is not None and kept[1] == fingerprint(content)
        return Found(content, ours=ours, locked=told.get("provenance") == "file", raw=told)

    def create(self) -> None:
        """Makes it."""
        body = self._body()
        self.grafana.ask(
            f"make the contact point {CONTACT_POINT}",
            lambda api: api.alertingprovisioning.create_contactpoint(body),
        )

    def update(self, found: Found) -> None:
        """Changes it."""
        del found
        body = self._body()
        self.grafana.ask(
            f"write the contact point {CONTACT_POINT}",
            lambda api: api.alertingprovisioning.update_contactpoint(self.name, body),
        )

    def _body(self) -> Json:
        wanted = self.wanted()
        assert self.url is not None, "what is to be taken away is not written"
        assert wanted is not None
        title = f"{{{{/* watchkeeper {fingerprint(wanted)} */}}}}{TITLE}"
        return {
            "uid": self.name,
            "name": CONTACT_POINT,
            "type": "webhook",
            "settings": dict(webhook(self.url)) | {"title": title},
            "disableResolveMessage": False,
        }

    def remove(self, found: Found) -> None:
        """Takes it away. Grafana refuses while a policy or another rule names it."""
        del found
        self.grafana.ask(
            f"remove the contact point {CONTACT_POINT}",
            lambda api: api.alertingprovisioning.delete_contactpoint(self.name),
        )


def check_contact_point(grafana: Grafana, name: str) -> None:
    """Makes sure that Grafana has a contact point.

    Raises:
        ConfigurationError: it has none of that name; the message names those that it has.
    """
    listed = grafana.ask("read the contact points", lambda api: api.alertingprovisioning.get_contactpoints())
    known = sorted({one["name"] for one in listed})
    if name not in known:
        raise ConfigurationError(f"Grafana has no contact point {name!r}; it has: {', '.join(known) or 'none'}")


def _comparable(told: Mapping[str, Any]) -> Json:
    settings = {name: value for name, value in told["settings"].items() if value not in (None, "", [], {}, False)}
    if isinstance(settings.get("url"), str):
        settings["url"] = _veiled(settings["url"])
    if isinstance(settings.get("title"), str):
        settings["title"] = _COMMENT.sub("", settings["title"])
    content: Json = {"name": told["name"], "type": told["type"], "settings": settings}
    return content | ({"disableResolveMessage": True} if told.get("disableResolveMessage") else {})


def _veiled(url: str) -> str:
    """Scheme and host, and digits that change with the rest: what stands in a webhook's path is often a secret."""
    parts = urlsplit(url)
    rest = hashlib.sha256(url.encode()).hexdigest()[:12]
    return f"{parts.scheme}://{parts.hostname or ''}/... ({rest})"
