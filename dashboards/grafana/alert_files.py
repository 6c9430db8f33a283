"""Writes the alert rules and their contact point as Grafana reads them from files, for docker compose.

    python -m watchkeeper.dashboards.grafana.alert_files

Grafana replaces `$NAME` in such files by variables of its environment, save in queries and annotations, which have `$`
of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from watchkeeper.dashboards.grafana.alert_rules import CONTACT_POINT, GROUP, INTERVAL_SECONDS, Rule, webhook
from watchkeeper.dashboards.grafana.alerts_in_use import RULES
from watchkeeper.dashboards.grafana.query import DATASOURCE

FILE: Final = Path(__file__).resolve().parents[2] / "deploy/grafana/provisioning/alerting/watchkeeper.yaml"
FOLDER: Final = "Watchkeeper alerts"
"""By its title: files of alert rules know no uids of folders. Grafana reads them before it makes the folder of
dashboards, so that a folder of the same title would stand there twice."""
WEBHOOK_VARIABLE: Final = "GRAFANA_ALERT_WEBHOOK"
_HEAD: Final = """\
# Alert rules, and the contact point that hears of them. Made by `make dashboards` of
# dashboards/grafana/alerts_in_use.py; a test compares. GRAFANA_ALERT_WEBHOOK in .env says where alerts go.
"""


class _Dumper(yaml.SafeDumper):
    """Statements are written as they are read, line by line, and nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        """Everything is written out."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def document() -> dict[str, Any]:
    """The file's content."""
    return {
        "apiVersion": 1,
        "contactPoints": [
            {
                "orgId": 1,
                "name": CONTACT_POINT,
                "receivers": [
                    {"uid": "watchkeeper", "type": "webhook", "settings": dict(webhook(f"${WEBHOOK_VARIABLE}"))},
                ],
            },
        ],
        "groups": [
            {
                "orgId": 1,
                "name": GROUP,
                "folder": FOLDER,
                "interval": f"{INTERVAL_SECONDS}s",
                "rules": [_rule(rule) for rule in RULES],
            },
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "B",
        "data": rule.data(str(DATASOURCE.uid)),
        "noDataState": rule.nothing,
        "execErrState": rule.failing,
        "for": rule.lasts,
        "annotations": rule.annotations(),
        "labels": rule.labels(),
        "isPaused": False,
        "notification_settings": {"receiver": CONTACT_POINT},
    }


def text() -> str:
    """The file."""
    return _HEAD + yaml.dump(document(), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text())
