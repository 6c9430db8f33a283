"""What comes back when something else than a Grafana in good health answers, and what goes out."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standin_grafana import ADMIN, StandIn

from watchkeeper.dashboards.deploy.connection import Address, Grafana
from watchkeeper.dashboards.deploy.errors import (
    GrafanaAccessError,
    GrafanaConflictError,
    GrafanaError,
    GrafanaUnavailableError,
)
from watchkeeper.schemas.errors import ConfigurationError, TransientError, WatchkeeperError

HEALTH = ("GET", "/health")
FOLDER = ("GET", "/folders/x")
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}


@pytest.fixture
def standin() -> Iterator[StandIn]:
    running = StandIn()
    yield running
    running.close()
    assert running.faults == []


def asked(url: str, *, check: bool = False, seconds: float = 60) -> Any:
    grafana = Grafana(Address.parse(url), ADMIN, timeout_seconds=seconds)
    try:
        if check:
            return grafana.check()
        return grafana.ask("read the folder x", lambda api: api.folder.get_folder("x"))
    finally:
        grafana.close()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://grafana.example.com", "https://grafana.example.com"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("https://example.com/a/grafana/", "https://example.com/a/grafana"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_addresses(given: str, read: str) -> None:
    assert str(Address.parse(given)) == read


def test_the_version_is_known(standin: StandIn) -> None:
    grafana = Grafana(Address.parse(standin.url), ADMIN)
    grafana.check()
    grafana.close()
    assert grafana.version == "12.1.1"
    assert standin.asked == [HEALTH]
    headers = {name.lower(): value for name, value in standin.headers[0].items()}
    assert headers["user-agent"] == "watchkeeper"
    assert headers["authorization"] == f"Bearer {ADMIN}"


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((400, {"message": "bad request"}, JSON), GrafanaError, "cannot read the folder x: Grafana says 400 bad"),
        ((404, {"message": "folder not found"}, JSON), GrafanaError, "404 folder not found"),
        ((409, {"message": "taken"}, JSON), GrafanaConflictError, "409 taken; mend that in Grafana"),
        ((412, {"message": "changed"}, JSON), GrafanaConflictError, "412 changed; somebody else wrote it meanwhile"),
        ((422, {"message": "no", "error": "why"}, JSON), GrafanaError, "422 no: why"),
        ((429, {"message": "slow down"}, JSON), GrafanaUnavailableError, "429 slow down; try again later"),
        ((500, {"message": "broken"}, JSON), GrafanaUnavailableError, "500 broken; try again later, and see its log"),
        ((502, "<html>Bad\nGateway</html>", HTML), GrafanaUnavailableError, "502 <html>Bad Gateway</html>"),
        ((403, {"message": ""}, JSON), GrafanaAccessError, "the token may not do that"),
        ((401, "", HTML), GrafanaAccessError, "the token is unknown or has expired"),
        ((200, "not JSON", JSON), GrafanaAccessError, "is no Grafana"),
        ((302, "", {"Location": "https://elsewhere.example.com/login"}), GrafanaAccessError,
         "sends on to https://elsewhere.example.com/login; give --url as it is after that"),
    ],
)  # fmt: skip
def test_answers_that_are_errors(
    standin: StandIn, answer: tuple[int, Any, dict[str, str]], error: type[WatchkeeperError], said: str
) -> None:
    standin.instead[FOLDER] = answer
    with pytest.raises(error) as caught:
        asked(standin.url)
    assert said in str(caught.value)
    assert len(standin.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (200, "<html>It works!</html>", HTML),
        (200, {"status": "green"}, JSON),
        (200, ["a"], JSON),
        (404, "nothing here", HTML),
        (401, "<!doctype html><title>Who is there?</title>", HTML),
        (200, "", JSON),
    ],
)
def test_what_is_no_grafana(standin: StandIn, answer: tuple[int, Any, dict[str, str]]) -> None:
    standin.instead[HEALTH] = answer
    with pytest.raises(GrafanaAccessError, match=r"is no Grafana; is --url right, with the path"):
        asked(standin.url, check=True)


def test_a_wrong_path_is_no_grafana(standin: StandIn) -> None:
    with pytest.raises(GrafanaAccessError, match="is no Grafana"):
        asked(f"{standin.url}/grafana", check=True)


def test_one_that_does_not_answer_in_time(standin: StandIn) -> None:
    standin.held.clear()
    with pytest.raises(GrafanaUnavailableError, match=r"did not answer within 0.2 s; try again later"):
        asked(standin.url, seconds=0.2)
    standin.held.set()


def test_one_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(TransientError, match=r"no Grafana answers at .*Connection refused.*is it running"):
        asked(f"http://127.0.0.1:{port}")


def test_one_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(TransientError, match="no Grafana answers"):
            asked(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    standin = StandIn(tls=context)
    try:
        with pytest.raises(
            ConfigurationError, match=r"the certificate of https://127.* is not trusted .*REQUESTS_CA_BUNDLE"
        ):
            asked(standin.url, check=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
            asked(standin.url, check=True)
    finally:
        standin.close()


def test_credentials_of_other_places_do_not_go_out(standin: StandIn, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password pw\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NETRC", str(netrc))
        asked(standin.url, check=True)
    assert {name.lower(): value for name, value in standin.headers[0].items()}["authorization"] == f"Bearer {ADMIN}"
