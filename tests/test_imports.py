"""Who may import whom: the table in ARCHITECTURE.md, read from the sources, and tried in a fresh interpreter."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchkeeper import schemas

ROOT = Path(__file__).parents[1]
FOLDERS = ("cli", "dashboards", "evals", "producers", "schemas", "stream_processors")
PACKAGE = "watchkeeper"

# A folder, and what its modules may import of the project besides itself.
ALLOWED: dict[str, tuple[str, ...]] = {
    "schemas": (),
    "stream_processors/detection": ("schemas",),
    "stream_processors": ("schemas",),
    "producers": ("schemas", "stream_processors.detection"),
    "evals": ("schemas", "stream_processors.detection"),
    "dashboards": ("schemas",),
    "cli": FOLDERS,
}

# What only extras bring.
HEAVY = (
    *("aiokafka", "chdb", "click", "clickhouse_connect", "faust", "genai_prices", "httptools", "lz4", "mode"),
    *("jinja2", "psutil", "rich", "sklearn", "starlette", "uvicorn", "zstandard"),
)


def home_of(path: Path) -> str:
    """The entry of `ALLOWED` under which a file falls: the longest one."""
    inside = path.relative_to(ROOT).as_posix()
    return max((folder for folder in ALLOWED if inside.startswith(folder + "/")), key=len)


def own_package(path: Path) -> str:
    """`schemas/ids.py` lies in `watchkeeper.schemas`."""
    return ".".join((PACKAGE, *path.relative_to(ROOT).parent.parts))


def imports(path: Path, source: str) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, with its line: at its head, in functions, for types alone, by name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = own_package(path).split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            # `from watchkeeper import schemas` and `from watchkeeper.x import y` may both name a module at their end.
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _calls_import(node) and isinstance(node.args[0], ast.Constant):
            yield node.lineno, str(node.args[0].value)


def _calls_import(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in ("import_module", "__import__") and bool(node.args)


def faults(path: Path, source: str) -> list[str]:
    """What a file imports and must not."""
    home = home_of(path)
    mine = f"{PACKAGE}.{home.replace('/', '.')}"
    may = tuple(f"{PACKAGE}.{other}" for other in ALLOWED[home])
    found = []
    for line, module in imports(path, source):
        place = f"{path.relative_to(ROOT)}:{line}: {module}"
        if module.split(".")[0] in FOLDERS:
            found.append(f"{place}: the bare folder is a second copy; import {PACKAGE}.{module}")
        elif module.split(".")[0] == PACKAGE and not _within(module, (mine, *may)):
            found.append(f"{place}: {home} may import {', '.join(ALLOWED[home]) or 'nothing of the project'}")
    return found


def _within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_what_the_table_allows(folder: str) -> None:
    files = sources(folder)
    assert files
    assert [fault for path in files for fault in faults(path, path.read_text(encoding="utf-8"))] == []


def test_tests_and_benchmarks_import_no_bare_folder() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in sources("tests", "benchmarks")
        for line, module in imports(path, path.read_text(encoding="utf-8"))
        if module.split(".")[0] in FOLDERS
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("schemas/x.py", "from watchkeeper.producers import Watchkeeper"),
        ("schemas/x.py", "def f():\n    import watchkeeper.stream_processors.detection.judge"),
        ("schemas/x.py", "from schemas import ids"),
        ("schemas/x.py", "import producers.session"),
        ("schemas/x.py", "import importlib\nimportlib.import_module('watchkeeper.cli')"),
        ("schemas/x.py", "from ..producers import session"),
        ("schemas/x.py", "from watchkeeper import producers"),
        ("producers/x.py", "from watchkeeper.stream_processors import app"),
        ("producers/transport/x.py", "from watchkeeper.stream_processors.engine.ports import Bus"),
        ("producers/x.py", "from watchkeeper.stream_processors.detections import x"),
        ("producers/x.py", "import watchkeeper.cli.main"),
        ("stream_processors/x.py", "from watchkeeper.producers.writing.headers import Header"),
        ("stream_processors/detection/x.py", "from watchkeeper.stream_processors.engine import ports"),
        ("stream_processors/detection/x.py", "from ..clickhouse import connect"),
        ("evals/x.py", "from watchkeeper.stream_processors.store import ClickHouseStore"),
        ("evals/x.py", "from watchkeeper.producers import recorder"),
        ("dashboards/x.py", "from watchkeeper.stream_processors.detection import judge"),
        ("dashboards/x.py", "if TYPE_CHECKING:\n    from watchkeeper.cli import main"),
    ],
)
def test_a_planted_import_is_found(file: str, source: str) -> None:
    assert len(faults(ROOT / file, source)) == 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("producers/x.py", "from watchkeeper.stream_processors.detection.judge import Judge"),
        ("producers/x.py", "from watchkeeper.stream_processors import detection"),
        ("producers/x.py", "from . import session\nfrom .transport import kafka"),
        ("stream_processors/engine/x.py", "from watchkeeper.stream_processors.detection import judge"),
        ("cli/x.py", "import watchkeeper.evals, watchkeeper.stream_processors.app"),
        ("schemas/x.py", "import json\nfrom watchkeeper.schemas import ids"),
    ],
)
def test_an_allowed_import_is_let_through(file: str, source: str) -> None:
    assert faults(ROOT / file, source) == []


BLOCKER = """
import importlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCK:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

BLOCK, modules = set(sys.argv[1].split(",")), sys.argv[2].split(",")
sys.meta_path.insert(0, Blocked())
for module in modules:
    importlib.import_module(module)
print(len(modules))
"""


def import_without(blocked: tuple[str, ...], modules: list[str]) -> subprocess.CompletedProcess[str]:
    """Import modules one after the other in a fresh interpreter where others are not installed."""
    command = [sys.executable, "-c", BLOCKER, ",".join(blocked), ",".join(modules)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def modules_in(*folders: str) -> list[str]:
    found = []
    for path in sources(*folders):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found.append(".".join((PACKAGE, *(parts[:-1] if parts[-1] == "__init__" else parts))))
    return found


@pytest.mark.parametrize(
    ("folders", "blocked"),
    [
        (("schemas", "stream_processors/detection"), (*HEAVY, "confluent_kafka", "urllib3")),
        (("schemas",), (*HEAVY, "confluent_kafka", "urllib3", "jsonschema_rs")),
        (("producers",), HEAVY),
    ],
    ids=["the contract and the detectors", "the contract alone", "the recorder"],
)
def test_every_module_imports_with_the_base_dependencies_alone(
    folders: tuple[str, ...], blocked: tuple[str, ...]
) -> None:
    modules = modules_in(*folders)
    result = import_without(blocked, modules)
    assert (result.returncode, result.stdout.strip()) == (0, str(len(modules))), result.stderr


def test_the_contract_names_all_of_its_modules() -> None:
    named = set(re.findall(r"`(\w+)/?`", schemas.__doc__ or ""))
    modules = {path.stem for path in (ROOT / "schemas").glob("*.py")} - {"__init__"}
    assert named == modules | {"ddl", "evidence", "signals", "json", "examples"}


@pytest.mark.parametrize("name", ["clickhouse_connect", "faust"])
def test_what_is_blocked_is_really_missing(name: str) -> None:
    result = import_without((name,), [name])
    assert result.returncode == 1
    assert f"{name} is blocked" in result.stderr
