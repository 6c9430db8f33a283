"""A stand-in of Grafana: a real HTTP server with Grafana's state, rules and error messages.

It keeps what Grafana keeps (versions of dashboards, provenance of alert rules, secrets that are never told again), adds
to contents what Grafana adds, and refuses what Grafana refuses. Each request and each answer is held against Grafana's
published API description; what is not as described ends in `faults`, which the fixture looks at.
"""

from __future__ import annotations

import copy
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import standin_description as described
from standin_state import Answer, Refusal, State

ADMIN, EDITOR, VIEWER = "glsa_admin", "glsa_editor", "glsa_viewer"
ROLES = {ADMIN: "Admin", EDITOR: "Editor", VIEWER: "Viewer"}


class StandIn:
    """The server.

    Attributes:
        faults: what was not as described, on either side.
        asked: methods and paths, in order.
        tokens: of the requests.
        instead: answers in the place of the real ones, by method and path; each is a status, a body, and headers.
        held: while it is not set, nothing is answered.
        opened: what must be closed before it.
    """

    def __init__(self, prefix: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.state = State()
        self.faults: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.instead: dict[tuple[str, str], tuple[int, Any, dict[str, str]]] = {}
        self.before: dict[tuple[str, str], Callable[[], None]] = {}
        self.opened: list[Any] = []
        self.held = threading.Event()
        self.held.set()
        self.prefix = prefix
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"standin": self}))
        self._server.daemon_threads = True
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}{self.prefix}"

    def close(self) -> None:
        self.held.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What was asked that changes something."""
        return [one for one in self.asked if one[0] != "GET"]

    def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: Any, token: str) -> Answer:
        """The answer of Grafana's own rules to a request under `/api`."""
        operation = described.operation_of(method, path)
        if operation is None:
            self.faults.append(f"{method} {path} is not described")
            return 404, {"message": "Not found"}
        self.faults += described.faults_of_request(operation, query, body)
        with self.lock:
            try:
                status, told = self._allowed(method, path, query, body, token)
            except Refusal as refusal:
                status, told = refusal.answer
            told = copy.deepcopy(told)
        self.faults += described.faults_of_answer(operation, status, told)
        return status, told

    def _allowed(self, method: str, path: str, query: Mapping[str, list[str]], body: Any, token: str) -> Answer:
        if path == "/health":
            return 200, {"database": "ok", "version": "12.1.1", "commit": "df5de8219b41d1e639e003bf5f3a85913761d167"}
        role = ROLES.get(token)
        if role is None:
            raise Refusal(401, "Invalid API key", messageId="api-key.invalid", statusCode=401, traceID="", extra=None)
        # A viewer sees folders and dashboards; an editor writes those; data sources and alerting's provisioning are the
        # administrator's.
        common = path.startswith(("/folders", "/dashboards", "/search"))
        if role == "Admin" or (common and (role == "Editor" or (method == "GET" and not path.endswith("/versions")))):
            return self._routed(method, path, query, body)
        raise Refusal(
            403, "You'll need additional permissions to perform this action. Permissions needed: any of it",
            accessErrorId="ACE1234567890", title="Access denied",
        )  # fmt: skip

    def _routed(self, method: str, path: str, query: Mapping[str, list[str]], body: Any) -> Answer:  # noqa: PLR0911, C901, PLR0912 - a table of routes
        state, parts = self.state, [unquote(one) for one in path.strip("/").split("/")]
        match [method, *parts]:
            case ["GET", "search"]:
                return 200, state.search(query.get("tag", []))
            case ["POST", "folders"]:
                return state.make_folder(body)
            case ["GET", "folders", uid]:
                return 200, state.folder(uid)
            case ["GET", "folders", uid, "counts"]:
                return 200, state.count(uid)
            case ["DELETE", "folders", uid]:
                return state.remove_folder(uid, query.get("forceDeleteRules") == ["true"])
            case ["POST", "datasources"]:
                return state.make_datasource(body)
            case ["GET", "datasources", "uid", uid]:
                return 200, state.datasource(uid)
            case ["PUT", "datasources", "uid", uid]:
                return state.write_datasource(uid, body)
            case ["DELETE", "datasources", "uid", uid]:
                return state.remove_datasource(uid)
            case ["GET", "datasources", "uid", uid, "health"]:
                return state.health(uid)
            case ["POST", "dashboards", "db"]:
                return state.save_board(body)
            case ["GET", "dashboards", "uid", uid]:
                board = state.board(uid)
                return 200, {"dashboard": board["dashboard"], "meta": board["meta"]}
            case ["GET", "dashboards", "uid", uid, "versions"]:
                return 200, {"continueToken": "", "versions": state.board(uid)["versions"][::-1]}
            case ["DELETE", "dashboards", "uid", uid]:
                return state.remove_board(uid)
            case ["GET", "v1", "provisioning", "alert-rules", uid]:
                return 200, state.rule(uid)
            case ["DELETE", "v1", "provisioning", "alert-rules", uid]:
                return state.remove_rule(uid)
            case ["GET", "v1", "provisioning", "folder", folder, "rule-groups", name]:
                return 200, state.group(folder, name)
            case ["PUT", "v1", "provisioning", "folder", folder, "rule-groups", name]:
                return state.write_group(folder, name, body)
            case ["GET", "v1", "provisioning", "contact-points"]:
                return 200, state.points(query.get("name", [None])[0])
            case ["POST", "v1", "provisioning", "contact-points"]:
                return state.make_point(body)
            case ["PUT", "v1", "provisioning", "contact-points", uid]:
                return state.write_point(uid, body)
            case ["DELETE", "v1", "provisioning", "contact-points", uid]:
                return state.remove_point(uid)
        raise AssertionError(f"{method} {path} is described and not built")


class _Handler(BaseHTTPRequestHandler):
    standin: StandIn
    protocol_version = "HTTP/1.1"
    # One packet an answer: a head alone would wait for the other side to acknowledge it.
    wbufsize = -1

    def _serve(self) -> None:
        standin = self.standin
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        standin.held.wait(60)
        if not parts.path.startswith(f"{standin.prefix}/api/"):
            self._write(404, "<html><body>Not found</body></html>", {"Content-Type": "text/html"})
            return
        path = parts.path.removeprefix(f"{standin.prefix}/api")
        standin.asked.append((self.command, path))
        standin.headers.append(dict(self.headers))
        if (self.command, path) in standin.before:
            standin.before.pop((self.command, path))()
        if (self.command, path) in standin.instead:
            self._write(*standin.instead[self.command, path])
            return
        given = json.loads(body) if body and "json" in self.headers.get("Content-Type", "") else None
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, told = standin.answer(self.command, path, parse_qs(parts.query), given, token)
        self._write(status, told, {"Content-Type": "application/json; charset=UTF-8"})

    def _write(self, status: int, body: Any, headers: dict[str, str]) -> None:
        raw = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names of the standard library

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the standard library
        """Says nothing."""
