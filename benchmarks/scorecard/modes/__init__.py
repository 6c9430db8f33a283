"""One module for each failure mode, with its recipes and near misses in `CARD`. A module that is added is found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from scorecard.model import ModeCard
from watchkeeper.schemas.failure_modes import FAILURE_MODES


def cards() -> Sequence[ModeCard]:
    """All modes that there are recipes for, in the order of the failure catalogue."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    found: list[ModeCard] = [module.CARD for module in modules if hasattr(module, "CARD")]
    return sorted(found, key=lambda card: FAILURE_MODES.index(card.mode))
