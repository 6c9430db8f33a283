"""What the stand-in of Grafana holds, and Grafana's rules and messages for what may be done with it."""

from __future__ import annotations

import copy
import re
from typing import Any

Json = dict[str, Any]
Answer = tuple[int, Any]

NOW = "2026-03-02T10:00:00Z"
UID = re.compile(r"[a-zA-Z0-9\-_]{1,40}")
PLUGIN = "grafana-clickhouse-datasource"


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error
    """An answer other than what was asked for."""

    def __init__(self, status: int, message: str, /, **more: Any) -> None:
        super().__init__(message)
        self.answer: Answer = (status, {"message": message, **more})


class State:
    """What one Grafana holds, and what may be done with it."""

    def __init__(self) -> None:
        self.plugins = {PLUGIN}
        self.clickhouse_answers = True
        self.folders: dict[str, Json] = {}
        self.datasources: dict[str, Json] = {}
        self.passwords: dict[str, str] = {}
        self.boards: dict[str, Json] = {}
        self.groups: dict[tuple[str, str], Json] = {}
        self.contact_points: dict[str, Json] = {
            "default": {"uid": "default", "name": "grafana-default-email", "type": "email", "provenance": "",
                        "settings": {"addresses": "<example@email.com>"}, "disableResolveMessage": False},
        }  # fmt: skip
        self._ids = iter(range(1, 1_000_000))

    # Folders

    def folder(self, uid: str) -> Json:
        if uid not in self.folders:
            raise Refusal(404, "folder not found", messageId="folder.not-found", statusCode=404, traceID="")
        return self.folders[uid]

    def make_folder(self, body: Json) -> Answer:
        uid = body.get("uid") or f"f{next(self._ids)}"
        self._check_uid(uid)
        if uid in self.folders:
            raise Refusal(409, "a folder with the same UID already exists")
        self.folders[uid] = {
            "id": next(self._ids), "uid": uid, "orgId": 1, "title": body["title"], "url": f"/dashboards/f/{uid}/",
            "hasAcl": False, "canSave": True, "canEdit": True, "canAdmin": True, "canDelete": True, "createdBy": "sa",
            "created": NOW, "updatedBy": "sa", "updated": NOW, "version": 1,
        }  # fmt: skip
        return 200, self.folders[uid]

    def count(self, uid: str) -> Json:
        self.folder(uid)
        rules = sum(len(group["rules"]) for (folder, _), group in self.groups.items() if folder == uid)
        return {
            "folder": 0,
            "dashboard": sum(board["meta"]["folderUid"] == uid for board in self.boards.values()),
            "alertrule": rules,
            "librarypanel": 0,
        }

    def remove_folder(self, uid: str, force: bool) -> Answer:
        if self.count(uid)["alertrule"] and not force:
            raise Refusal(400, "folder is not empty: folder contains alert rules", statusCode=400, traceID="",
                          messageId="folder.contains-alert-rules")  # fmt: skip
        title = self.folders.pop(uid)["title"]
        self.boards = {key: board for key, board in self.boards.items() if board["meta"]["folderUid"] != uid}
        return 200, {"id": 1, "title": title, "message": f"Folder {title} deleted"}

    # Data sources

    def datasource(self, uid: str) -> Json:
        if uid not in self.datasources:
            raise Refusal(404, "Data source not found")
        return self.datasources[uid]

    def make_datasource(self, body: Json) -> Answer:
        uid = body.get("uid") or f"d{next(self._ids)}"
        self._check_uid(uid)
        if any(one["name"] == body["name"] for one in self.datasources.values()):
            raise Refusal(409, "data source with the same name already exists")
        if uid in self.datasources:
            raise Refusal(409, "data source with the same uid already exists")
        made = self._kept_datasource(uid, body, next(self._ids), 1)
        return 200, {"datasource": made, "id": made["id"], "message": "Datasource added", "name": made["name"]}

    def write_datasource(self, uid: str, body: Json) -> Answer:
        known = self.datasource(uid)
        if known["readOnly"]:
            raise Refusal(403, "Cannot update read-only data source")
        if body.get("version", 0) and body["version"] < known["version"]:
            raise Refusal(409, "Datasource has already been updated by someone else. Please reload and try again")
        made = self._kept_datasource(uid, body, known["id"], known["version"] + 1)
        return 200, {"datasource": made, "id": made["id"], "message": "Datasource updated", "name": made["name"]}

    def _kept_datasource(self, uid: str, body: Json, number: int, version: int) -> Json:
        if "password" in body.get("secureJsonData", {}):
            self.passwords[uid] = body["secureJsonData"]["password"]
        self.datasources[uid] = {
            "id": number, "uid": uid, "orgId": 1, "name": body["name"], "type": body["type"], "typeLogoUrl": "",
            "access": body.get("access", "proxy"), "url": body.get("url", ""), "user": "", "database": "",
            "basicAuth": False, "basicAuthUser": "", "withCredentials": False,
            "isDefault": body.get("isDefault", False), "jsonData": body.get("jsonData", {}),
            "secureJsonFields": {"password": True} if uid in self.passwords else {}, "version": version,
            "readOnly": False,
        }  # fmt: skip
        return self.datasources[uid]

    def remove_datasource(self, uid: str) -> Answer:
        if self.datasource(uid)["readOnly"]:
            raise Refusal(403, "Cannot delete read-only data source")
        del self.datasources[uid]
        return 200, {"message": "Data source deleted"}

    def health(self, uid: str) -> Answer:
        if self.datasource(uid)["type"] not in self.plugins:
            raise Refusal(404, "Plugin not found", messageId="plugin.notRegistered", statusCode=404, traceID="")
        if not self.clickhouse_answers:
            return 400, {"status": "ERROR", "message": "dial tcp: connect: connection refused", "details": {}}
        return 200, {"status": "OK", "message": "Data source is working"}

    # Dashboards

    def board(self, uid: str) -> Json:
        if uid not in self.boards:
            raise Refusal(404, "Dashboard not found")
        return self.boards[uid]

    def save_board(self, body: Json, who: str = "sa-1-watchkeeper") -> Answer:
        content = copy.deepcopy(body["dashboard"])
        if not content.get("title"):
            raise Refusal(400, "Dashboard title cannot be empty", status="empty-name")
        uid = content.get("uid") or f"b{next(self._ids)}"
        self._check_uid(uid)
        folder = body.get("folderUid", "")
        if folder and folder not in self.folders:
            raise Refusal(404, "folder not found", status="not-found")
        known = self.boards.get(uid)
        if known is not None and known["meta"]["provisioned"]:
            raise Refusal(400, "Cannot save provisioned dashboard")
        version = known["dashboard"]["version"] if known else 0
        if known is not None and not body.get("overwrite") and content.get("version", 0) != version:
            raise Refusal(412, "The dashboard has been changed by someone else", status="version-mismatch")
        number = known["dashboard"]["id"] if known else next(self._ids)
        slug = re.sub(r"[^a-z0-9]+", "-", content["title"].lower())
        meta = {
            "type": "db", "canSave": True, "canEdit": True, "canAdmin": True, "canStar": True, "canDelete": True,
            "slug": slug, "url": f"/d/{uid}/{slug}", "expires": "0001-01-01T00:00:00Z", "created": NOW, "updated": NOW,
            "updatedBy": who, "createdBy": known["meta"]["createdBy"] if known else who, "version": version + 1,
            "hasAcl": False, "isFolder": False, "folderId": 0, "folderUid": folder,
            "folderTitle": self.folders[folder]["title"] if folder else "General", "folderUrl": "",
            "provisioned": False, "provisionedExternalId": "", "annotationsPermissions": None,
        }  # fmt: skip
        kept = known["versions"] if known else []
        kept.append({
            "id": next(self._ids), "dashboardId": number, "uid": uid, "parentVersion": version, "restoredFrom": 0,
            "version": version + 1, "created": NOW, "createdBy": who, "message": body.get("message", ""),
        })  # fmt: skip
        content |= {"id": number, "uid": uid, "version": version + 1}
        self.boards[uid] = {"dashboard": content, "meta": meta, "versions": kept}
        return 200, {"id": number, "uid": uid, "url": meta["url"], "status": "success", "version": version + 1,
                     "title": content["title"], "folderUid": folder}  # fmt: skip

    def remove_board(self, uid: str) -> Answer:
        if self.board(uid)["meta"]["provisioned"]:
            raise Refusal(400, "provisioned dashboard cannot be deleted")
        title = self.boards.pop(uid)["dashboard"]["title"]
        return 200, {"title": title, "message": f"Dashboard {title} deleted", "uid": uid}

    def search(self, tags: list[str]) -> list[Json]:
        return [
            {"id": board["dashboard"]["id"], "uid": uid, "title": board["dashboard"]["title"], "uri": "db/x",
             "url": board["meta"]["url"], "slug": "", "type": "dash-db", "tags": board["dashboard"].get("tags", []),
             "isStarred": False, "sortMeta": 0, "isDeleted": False, "folderUid": board["meta"]["folderUid"]}
            for uid, board in self.boards.items()
            if set(tags) <= set(board["dashboard"].get("tags", []))
        ]  # fmt: skip

    # Alerting

    def group(self, folder: str, name: str) -> Json:
        if (folder, name) not in self.groups:
            raise Refusal(404, "rule group not found")
        return self.groups[folder, name]

    def write_group(self, folder: str, name: str, body: Json, provenance: str = "api") -> Answer:
        self.folder(folder)
        known = self.groups.get((folder, name), {"rules": []})
        if any(rule["provenance"] not in {"", provenance} for rule in known["rules"]):
            raise Refusal(409, "cannot change provenance from 'file' to 'api'")
        if body["interval"] <= 0 or body["interval"] % 10:
            raise Refusal(400, f"invalid alert rule group: interval ({body['interval']}s) should be multiple of 10s")
        titles = [rule["title"] for rule in body["rules"]]
        if len(set(titles)) < len(titles):
            raise Refusal(409, "a conflicting alert rule is found: rule title under the same organisation and folder "
                               "should be unique")  # fmt: skip
        taken = {rule["uid"] for key, group in self.groups.items() if key != (folder, name) for rule in group["rules"]}
        rules = [self._kept_rule(rule, folder, name, provenance) for rule in body["rules"]]
        for uid in taken & {rule["uid"] for rule in rules}:
            # It moves from the other group into this one.
            self.remove_rule(uid)
        self.groups[folder, name] = {"title": name, "folderUid": folder, "interval": body["interval"], "rules": rules}
        return 200, self.groups[folder, name]

    def _kept_rule(self, rule: Json, folder: str, name: str, provenance: str) -> Json:
        self._check_uid(rule["uid"])
        if rule["condition"] not in {query["refId"] for query in rule["data"]}:
            raise Refusal(400, f"invalid alert rule: condition {rule['condition']} does not exist")
        receiver = (rule.get("notification_settings") or {}).get("receiver")
        if receiver and receiver not in {point["name"] for point in self.contact_points.values()}:
            raise Refusal(400, f"invalid alert rule: receiver '{receiver}' does not exist")
        if not all(re.fullmatch(r"(\d+(ms|[smhdwy]))+", rule[key]) for key in ("for",)):
            raise Refusal(400, f"not a valid duration string: {rule['for']!r}")
        # It fills in the range and the marks of empty fields that a client may leave out.
        return rule | {
            "id": next(self._ids), "orgID": 1, "folderUID": folder, "ruleGroup": name, "provenance": provenance,
            "updated": NOW, "isPaused": rule.get("isPaused", False), "keep_firing_for": "0s",
            "notification_settings": rule.get("notification_settings"), "record": None,
        }  # fmt: skip

    def rule(self, uid: str) -> Json:
        rules: list[Json] = [rule for group in self.groups.values() for rule in group["rules"]]
        for rule in rules:
            if rule["uid"] == uid:
                return rule
        raise Refusal(404, "alert rule not found")

    def remove_rule(self, uid: str) -> Answer:
        for key, group in list(self.groups.items()):
            if any(rule["uid"] == uid and rule["provenance"] == "file" for rule in group["rules"]):
                raise Refusal(409, "cannot delete with provided provenance 'api', needs 'file'")
            group["rules"] = [rule for rule in group["rules"] if rule["uid"] != uid]
            if not group["rules"]:
                del self.groups[key]
        return 204, None

    def points(self, name: str | None) -> list[Json]:
        return [point for point in self.contact_points.values() if name in {None, point["name"]}]

    def make_point(self, body: Json) -> Answer:
        uid = body.get("uid") or f"c{next(self._ids)}"
        self._check_uid(uid)
        if uid in self.contact_points:
            raise Refusal(409, f"contact point configuration with UID {uid} already exists")
        self.contact_points[uid] = self._kept_point(uid, body)
        return 202, self.contact_points[uid]

    def write_point(self, uid: str, body: Json) -> Answer:
        if uid not in self.contact_points:
            raise Refusal(404, "contact point not found")
        self.contact_points[uid] = self._kept_point(uid, body)
        return 202, {"message": "contactpoint updated"}

    def _kept_point(self, uid: str, body: Json) -> Json:
        if body["type"] == "webhook" and not body["settings"].get("url"):
            raise Refusal(
                400, "invalid object specification: invalid contact point: required field 'url' is not specified"
            )
        return {"disableResolveMessage": False, **body, "uid": uid, "provenance": "api"}

    def remove_point(self, uid: str) -> Answer:
        name = self.contact_points.get(uid, {}).get("name")
        rules = [rule for group in self.groups.values() for rule in group["rules"]]
        using = sum((rule["notification_settings"] or {}).get("receiver") == name for rule in rules)
        if name and using:
            raise Refusal(409, f"Contact point '{name}' is currently used by {using} alert rules",
                          messageId="alerting.notifications.contact-points.referenced", statusCode=409)  # fmt: skip
        self.contact_points.pop(uid, None)
        return 202, {"message": "contactpoint deleted"}

    def _check_uid(self, uid: str) -> None:
        if not UID.fullmatch(uid):
            raise Refusal(
                400, "uid contains illegal characters" if len(uid) <= 40 else "uid too long, max 40 characters"
            )
