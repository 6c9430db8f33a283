"""What is packed is what is there: all modules, the data beside them, and one name at the top."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("cli", "dashboards", "evals", "producers", "schemas", "stream_processors")
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
DATA = ("*.sql", "pom.xml", "*.json", "*.yaml", "*.html", "*.css", "*.js", "*.svg", "py.typed")

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


def packages_on_disk() -> set[str]:
    return {
        ".".join(("watchkeeper", *path.parent.relative_to(ROOT).parts))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }


def files(*patterns: str) -> set[str]:
    """Files of the folders as the wheel must name them."""
    return {
        f"watchkeeper/{path.relative_to(ROOT).as_posix()}"
        for folder in FOLDERS
        for pattern in patterns
        for path in (ROOT / folder).rglob(pattern)
        if "__pycache__" not in path.parts
    }


def test_every_folder_with_an_init_is_listed() -> None:
    # A subpackage that is not listed works in an editable install and is missing from the wheel, without a word.
    assert set(SETUPTOOLS["packages"]) == packages_on_disk()
    assert len(SETUPTOOLS["packages"]) == len(set(SETUPTOOLS["packages"]))


def test_every_module_stands_in_a_package() -> None:
    listed = {package.removeprefix("watchkeeper.").replace(".", "/") for package in SETUPTOOLS["packages"]}
    homeless = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if path.parent.relative_to(ROOT).as_posix() not in listed
    }
    assert homeless == set()


def test_every_folder_is_typed_and_mapped() -> None:
    assert SETUPTOOLS["package-dir"] == {f"watchkeeper.{folder}": folder for folder in FOLDERS}
    assert all((ROOT / folder / "py.typed").is_file() for folder in FOLDERS)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the tree: what an earlier build left behind must not slip in."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    command = [sys.executable, "-W", "error", "-c", BUILD, str(out)]
    result = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return out / result.stdout.splitlines()[-1]


def test_the_wheel_holds_all_modules_and_all_data_and_one_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        found = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert found == files("*.py", *DATA)
    assert {name.split("/")[0] for name in found} == {"watchkeeper"}


def test_an_installed_wheel_reads_its_own_data(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()];"
        "from watchkeeper.schemas import json_schema, migrations;"
        "assert json_schema.__file__.startswith(sys.argv[1]), json_schema.__file__;"
        "assert json_schema.stale() == [] and len(migrations.load()) >= 4"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=tmp_path, check=True)
