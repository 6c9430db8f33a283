"""Colours that can be told apart on light and on dark, and by the colour-blind.

Each has a contrast of at least 3 to 1 against the panels of Grafana's light and dark theme, and those that stand in one
panel lie apart as seen with normal sight and without red, green or blue receptors: a test computes both. Nothing is
told by colour alone: series have names, thresholds have lines, severities have words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RED: Final = "#B43C69"
ORANGE: Final = "#C3872D"
YELLOW: Final = "#876900"
SKY: Final = "#0096FF"
GREY: Final = "#879687"
BLUE: Final = "#3C69B4"
GREEN: Final = "#3CA587"
PINK: Final = "#FF1EFF"

SEVERITY_COLOURS: Final[Mapping[str, str]] = {
    "critical": RED,
    "high": ORANGE,
    "medium": YELLOW,
    "low": SKY,
    "info": GREY,
}
STATUS_COLOURS: Final[Mapping[str, str]] = {"started": BLUE, "completed": GREEN, "failed": RED, "stopped": ORANGE}
QUANTILE_COLOURS: Final[Mapping[str, str]] = {"p50": GREEN, "p90": BLUE, "p95": BLUE, "p99": ORANGE}
