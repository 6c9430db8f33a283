"""Small projects with a bug each, and their tests."""

from __future__ import annotations

import threading
from typing import Any, Final

WRONG: Final = "price * percent / 100"
RIGHT: Final = "price * (100 - percent) / 100"
_MODULE = '''"""Prices of {project}."""


def discounted(price: float, percent: float) -> float:
    """The price after a discount."""
    return {body}
'''


class Codebase:
    """Files by path. Every project `name` has `name/prices.py`, wrong until it is patched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, str] = {}

    def read_file(self, path: str) -> dict[str, Any]:
        """Read a file of a project, for example `shop/prices.py`."""
        project, _, name = path.partition("/")
        if name != "prices.py":
            raise FileNotFoundError(f"{project} has one file, {project}/prices.py")
        with self._lock:
            text = self._files.setdefault(path, _MODULE.format(project=project, body=WRONG))
        return {"path": path, "text": text}

    def apply_patch(self, path: str, find: str, replace: str) -> dict[str, Any]:
        """Replace a piece of text in a file. It must occur exactly once."""
        text = self.read_file(path)["text"]
        if text.count(find) != 1:
            raise ValueError(f"the text to replace occurs {text.count(find)} times in {path}: give one that is unique")
        with self._lock:
            self._files[path] = text.replace(find, replace)
        return {"path": path, "changed": True}

    def run_tests(self, project: str, case: str = "all") -> dict[str, Any]:
        """Run the tests of a project: all of them, or one case by name."""
        passed = RIGHT in self.read_file(f"{project}/prices.py")["text"]
        failures = [] if passed else [f"test_discounted[{case}]: 20 % off 100 is 80, got 20"]
        return {"project": project, "case": case, "passed": passed, "failures": failures}
