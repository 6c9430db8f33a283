"""Who is let in, and what every answer carries."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from console_browse import KEYS

from watchkeeper.dashboards.console.keys import Keys, load_keys
from watchkeeper.schemas.errors import ConfigurationError


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def test_a_stranger_sees_nothing(browse: Any) -> None:
    stranger = replace(browse, cookies={})
    for path in ("/", "/nothing", "/?token=wrong", "/?token="):
        answer = stranger.get(path)
        assert answer.status == 401
        assert "watchkeeper status" in answer.text
    assert replace(browse, cookies={"watchkeeper_console": "0" * 64}).get("/").status == 401


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(browse: Any) -> None:
    stranger = replace(browse, cookies={})
    answer = stranger.get("/sessions", tenant="a&b", token=KEYS.token)
    assert answer.status == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert KEYS.token not in cookie + answer.text
    assert 'content="0; url=/sessions?tenant=a%26b"' in answer.text
    name, _, value = cookie.partition(";")[0].partition("=")
    assert replace(browse, cookies={name: value}).get("/").status == 200


def test_the_page_after_the_token_never_leads_elsewhere(browse: Any) -> None:
    answer = browse.ask("GET", f"//evil.example/x?token={KEYS.token}")
    assert "url=/evil.example/x" in answer.text


def test_a_link_from_another_site_is_followed_once(browse: Any) -> None:
    stranger = replace(browse, cookies={})
    crossing = stranger.ask("GET", "/findings?mode=data_leak", Sec_Fetch_Site="cross-site")
    assert crossing.status == 200
    assert "url=/findings?mode=data_leak" in crossing.text
    assert stranger.ask("GET", "/findings", Sec_Fetch_Site="same-origin").status == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "", "[", "localhost.evil.example"])
def test_a_name_that_is_not_this_machine_s_is_refused(browse: Any, host: str) -> None:
    answer = browse.ask("GET", "/", Host=host)
    assert answer.status == 421
    assert "--allow-host" in answer.text


def test_forms_of_other_sites_do_nothing(browse: Any) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert browse.ask("POST", "/", "a=b", Origin="http://evil.example", **form).status == 403
    assert browse.ask("POST", "/", "a=b", Origin="null", **form).status == 403
    assert browse.ask("POST", "/", "a=b", Origin="http://[", **form).status == 403
    assert browse.ask("POST", "/", "a=b", Sec_Fetch_Site="cross-site", **form).status == 403


def test_every_answer_forbids_scripts_of_others_and_frames(browse: Any) -> None:
    for answer in (browse.get("/"), browse.get("/nothing"), browse.get("/static/console.css"), browse.get("/livez")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_pages_hold_no_script_or_style_of_their_own_and_need_nothing_from_elsewhere(browse: Any) -> None:
    # Parsed, as a browser does: what an agent called itself is text on the page, whatever it looks like.
    page = Elements()
    page.feed(browse.get("/").text)
    assert len(page.found) > 50
    for tag, attributes in page.found:
        assert tag not in {"style", "iframe", "object", "embed", "base"}
        assert tag != "script" or attributes["src"].startswith("/static/")
        for name, value in attributes.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in {"src", "srcset", "href", "action"}:
                assert not re.match(r"\s*([a-z]+:|//)", value, re.IGNORECASE)


def test_what_is_not_there_is_told(browse: Any) -> None:
    answer = browse.get("/nothing/<b>")
    assert answer.status == 404
    assert "there is no page /nothing/&lt;b&gt;" in answer.text


def test_the_token_is_made_once_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    file = tmp_path / "console" / "token"
    keys = load_keys(file)
    assert load_keys(file) == keys
    assert keys.opens(file.read_text())
    assert file.stat().st_mode & 0o777 == 0o600
    assert keys.token not in repr(keys)
    file.write_text("short")
    with pytest.raises(ConfigurationError, match="fewer than 16"):
        load_keys(file)
    with pytest.raises(ConfigurationError):
        Keys("")
