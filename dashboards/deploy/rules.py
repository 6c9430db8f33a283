"""Alert rules in Grafana: one group, written whole, so that it is never half deployed.

Grafana marks what comes over its provisioning API (`provenance: api`) and locks it in its own editor. That stays so:
who changed a rule there would lose the change with the next deployment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from watchkeeper.dashboards.deploy.connection import Grafana
from watchkeeper.dashboards.deploy.content import Json, fingerprint, without
from watchkeeper.dashboards.deploy.resource import Found
from watchkeeper.dashboards.grafana.alert_rules import GROUP, INTERVAL_SECONDS, Rule
from watchkeeper.dashboards.grafana.alerts_in_use import RULES

_KEPT: Final = "watchkeeper_fingerprint"
_COMPARED: Final = (
    *("uid", "title", "condition", "data", "noDataState", "execErrState", "for", "keep_firing_for", "annotations"),
    *("labels", "isPaused", "notification_settings", "missingSeriesEvalsToResolve", "record"),
)
_OWN_ORGANISATION: Final = 1
"""Grafana's API asks for an organisation and takes that of the token, whatever is said."""


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Our group of alert rules.

    Attributes:
        grafana: where.
        folder_uid: the folder that it is in.
        datasource_uid: what the rules ask.
        contact_point: the name of the contact point that hears of them, past the notification policies; None where
            the policies of that Grafana decide, by the labels `severity` and `source`.
        runbooks: where the runbooks are published.
        rules: those of the group; None where it is to be taken away.
        force: put the group into that folder also where it is in another.
    """

    grafana: Grafana
    folder_uid: str
    datasource_uid: str
    contact_point: str | None = None
    runbooks: str | None = None
    rules: Sequence[Rule] | None = RULES
    force: bool = False
    kind: str = "alert rules"
    name: str = GROUP

    def wanted(self) -> Json | None:
        """The group as it is compared."""
        if self.rules is None:
            return None
        rules = [self._rule(rule) for rule in self.rules]
        content = _comparable({"interval": INTERVAL_SECONDS, "rules": rules})
        return content | {"folderUid": self.folder_uid} if self.force else content

    def look(self) -> Found | None:
        """The group as Grafana has it, in whichever folder it is."""
        told = self._read(self.folder_uid, self.name) or self._elsewhere()
        rules = (told or {}).get("rules") or []
        if told is None or not rules:
            return None
        content = _comparable(told)
        kept = {rule.get("annotations", {}).get(_KEPT) for rule in rules}
        ours, locked = kept == {fingerprint(content)}, any(rule.get("provenance") == "file" for rule in rules)
        if self.force:
            content["folderUid"] = told["folderUid"]
        return Found(content, ours=ours, locked=locked, raw=told)

    def _read(self, folder_uid: str, name: str) -> Json | None:
        told: Json | None = self.grafana.find(
            f"read the alert rules {name}", lambda api: api.alertingprovisioning.get_rule_group(folder_uid, name)
        )
        return told

    def _elsewhere(self) -> Json | None:
        """The group where somebody, or a deployment into another folder, put it: rules have one uid everywhere."""
        uid = RULES[0].uid
        told = self.grafana.find(f"read the alert rule {uid}", lambda api: api.alertingprovisioning.get_alertrule(uid))
        return self._read(told["folderUID"], told["ruleGroup"]) if told else None

    def create(self) -> None:
        """Writes the group."""
        self._write(self.folder_uid, self.name)

    def _write(self, folder_uid: str, name: str) -> None:
        assert self.rules is not None, "what is not made any more is not written"
        compared = _comparable({"interval": INTERVAL_SECONDS, "rules": [self._rule(rule) for rule in self.rules]})
        kept = {_KEPT: fingerprint(compared)}
        rules = []
        for rule in self.rules:
            full = self._rule(rule) | {"folderUID": folder_uid, "ruleGroup": name}
            rules.append(full | {"annotations": full["annotations"] | kept})
        body = {"title": name, "folderUid": folder_uid, "interval": INTERVAL_SECONDS, "rules": rules}
        self.grafana.ask(
            f"write the alert rules {name}",
            lambda api: api.alertingprovisioning.update_rule_group(folder_uid, name, body),
        )

    def update(self, found: Found) -> None:
        """Writes the group in the place of what was found."""
        if self.force:
            self.create()
        else:
            self._write(found.raw["folderUid"], found.raw["title"])

    def remove(self, found: Found) -> None:
        """Takes its rules away; Grafana keeps no empty group."""
        for rule in found.raw["rules"]:
            self._remove(rule["uid"])

    def _remove(self, uid: str) -> None:
        self.grafana.ask(f"remove the alert rule {uid}", lambda api: api.alertingprovisioning.delete_alertrule(uid))

    def _rule(self, rule: Rule) -> Json:
        told: Json = {
            "uid": rule.uid,
            "title": rule.title,
            "orgID": _OWN_ORGANISATION,
            "folderUID": self.folder_uid,
            "ruleGroup": self.name,
            "condition": "B",
            "data": rule.data(self.datasource_uid),
            "noDataState": rule.nothing,
            "execErrState": rule.failing,
            "for": rule.lasts,
            "annotations": rule.annotations(self.runbooks, self.grafana.url),
            "labels": rule.labels(),
            "isPaused": False,
        }
        return told | ({"notification_settings": {"receiver": self.contact_point}} if self.contact_point else {})


def _comparable(group: Mapping[str, Any]) -> Json:
    rules = []
    for rule in group["rules"]:
        content = {name: rule[name] for name in _COMPARED if name in rule}
        content["annotations"] = without(rule.get("annotations") or {}, _KEPT)
        content["data"] = [_pruned(without(query, "model")) | {"model": query["model"]} for query in rule["data"]]
        rules.append(_pruned(without(content, "data")) | {"data": content["data"]})
    return {"interval": group["interval"], "rules": rules}


def _pruned(content: Any) -> Any:
    """Without what says nothing: Grafana fills in and leaves out empty fields as it likes."""
    if isinstance(content, dict):
        made = {name: _pruned(value) for name, value in content.items()}
        return {name: value for name, value in made.items() if value not in (None, "", "0s", False, 0, [], {})}
    return [_pruned(one) for one in content] if isinstance(content, list) else content
