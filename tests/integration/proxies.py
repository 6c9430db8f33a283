"""Proxies on loopback that spoil what passes: requests on their way to ClickHouse, connections to a broker."""

from __future__ import annotations

import contextlib
import http.client
import random
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from watchkeeper.stream_processors.clickhouse import Address, parse_dsn

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "content-length"}


class Act(Enum):
    """What becomes of a request."""

    PASS = "pass"
    REFUSE = "refuse"
    """It does not reach ClickHouse; the connection is closed without an answer."""
    LOSE_ANSWER = "lose_answer"
    """ClickHouse does it; the connection is closed without an answer."""
    CUT_ANSWER = "cut_answer"
    """ClickHouse does it; half of the answer arrives. Of an answer without a body, its head breaks off."""
    BUSY = "busy"
    """It does not reach ClickHouse, which is said to be short of memory."""


class StoreProxy:
    """An HTTP proxy before ClickHouse.

    Attributes:
        plan: decides on each request by its statement's first word and the body's; `Act.PASS` for all at first.
        done: how often each act was done, by act and statement.
    """

    def __init__(self, dsn: str) -> None:
        self._upstream = parse_dsn(dsn)
        self.plan: Callable[[str], Act] = lambda _: Act.PASS
        self.done: Counter[tuple[Act, str]] = Counter()
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy._handle(self)

            do_GET = do_POST  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        here = self._upstream
        self.dsn = Address(
            here.scheme, "127.0.0.1", self._server.server_port, here.user, here.password, here.database
        ).dsn

    @contextmanager
    def running(self) -> Iterator[StoreProxy]:
        """Serves while the block lasts."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def spoiled(self) -> int:
        """How many requests did not simply pass."""
        return sum(count for (act, _), count in self.done.items() if act is not Act.PASS)

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = _body_of(handler)
        statement = "INSERT" if "INSERT" in handler.path.upper() or body[:6].upper() == b"INSERT" else "SELECT"
        with self._lock:
            act = self.plan(statement)
            self.done[act, statement] += 1
        if act is Act.REFUSE:
            _hang_up(handler)
            return
        if act is Act.BUSY:
            said = b"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n"
            _answer(handler, 500, [("X-ClickHouse-Exception-Code", "241")], said)
            return
        status, headers, answer = self._ask(handler, body)
        if act is Act.LOSE_ANSWER:
            _hang_up(handler)
        elif act is Act.CUT_ANSWER:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n"
            handler.wfile.write(head.encode() + (b"\r\n" + answer[: len(answer) // 2] if answer else b""))
            _hang_up(handler)
        else:
            _answer(handler, status, headers, answer)

    def _ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self._upstream.host, self._upstream.port, timeout=60)
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            upstream.request(handler.command, handler.path, body, headers)
            response = upstream.getresponse()
            kept = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]
            return response.status, kept, response.read()
        finally:
            upstream.close()


def _body_of(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    chunks: list[bytes] = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        chunks.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(chunks)


def _answer(handler: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    handler.send_response_only(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.flush()
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)


def now_and_then(seed: int, chance: float, acts: dict[str, list[Act]]) -> Callable[[str], Act]:
    """A plan that spoils requests at random: of each statement by one of its acts."""
    draw = random.Random(seed)

    def plan(statement: str) -> Act:
        return draw.choice(acts[statement]) if acts.get(statement) and draw.random() < chance else Act.PASS

    return plan


class BrokerProxy:
    """A TCP proxy before a broker, which must advertise the proxy's address.

    Attributes:
        port: where it listens.
        target: where new connections lead.
        delay_seconds: how long each piece of what passes is kept back.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.target = target
        self.delay_seconds = 0.0
        self._flowing = threading.Event()
        self._flowing.set()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Lets connections through."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def hold(self) -> None:
        """Keeps connections open, and lets nothing through."""
        self._flowing.clear()

    def flow(self) -> None:
        """Lets through what was held, and what comes."""
        self._flowing.set()

    def cut(self) -> None:
        """Breaks all connections and refuses new ones, until it is opened again."""
        if self._listener is not None:
            # To close it alone would not wake the thread that accepts.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        self.flow()
        for pair in pairs:
            _close(pair)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._pairs.add((client, broker))
            threading.Thread(target=self._pump, args=(client, broker), daemon=True).start()

    def _pump(self, client: socket.socket, broker: socket.socket) -> None:
        other = {client: broker, broker: client}
        with contextlib.suppress(OSError, ValueError):
            while True:
                for ready in select.select([client, broker], [], [])[0]:
                    moved = ready.recv(65_536)
                    if not moved:
                        return _close((client, broker))
                    time.sleep(self.delay_seconds)
                    self._flowing.wait()
                    other[ready].sendall(moved)
        _close((client, broker))
        return None


def _close(pair: tuple[socket.socket, socket.socket]) -> None:
    for end in pair:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
