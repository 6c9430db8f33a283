"""How texts are shown."""

from __future__ import annotations

import pytest

from watchkeeper.dashboards.console.looks import coded


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("whose agent said `failed`.", "whose agent said <code>failed</code>."),
        ("`a` and `b<script>`", "<code>a</code> and <code>b&lt;script&gt;</code>"),
        ("<b> & `", "&lt;b&gt; &amp; `"),
        ("", ""),
    ],
)
def test_what_stands_between_backticks_is_code_and_all_is_escaped(text: str, shown: str) -> None:
    assert coded(text) == shown
