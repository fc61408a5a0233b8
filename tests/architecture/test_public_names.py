"""What ``import isfdb`` offers: exactly the promised names, each found on first use."""

from __future__ import annotations

import ast
import importlib
import pickle
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import isfdb
from isfdb import errors

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ERRORS = [thing for thing in vars(errors).values() if isinstance(thing, type) and issubclass(thing, errors.IsfdbError)]


def test_the_public_names_are_these():
    assert sorted(isfdb.__all__) == [
        "Database",
        "audit",
        "code",
        "diff",
        "errors",
        "export",
        "find",
        "lineage",
        "load",
        "open",
        "pin",
        "registry",
        "replay",
        "report",
        "seal",
        "set_options",
        "verify",
        "whence",
    ]


@pytest.mark.parametrize("name", [*isfdb.__all__, "__version__"])
def test_a_public_name_is_found_on_first_use(name: str):
    assert getattr(isfdb, name) is not None
    assert name in dir(isfdb)


@pytest.mark.parametrize("name", isfdb.__all__)
def test_a_public_name_means_the_same_whatever_was_imported_before(name: str):
    # Importing a submodule binds its name in the package: a module called as a public function would take its place.
    found = getattr(isfdb, name)
    home = found.__module__ if callable(found) else found.__name__
    code = f"import isfdb, importlib; importlib.import_module({home!r}); print(callable(isfdb.{name}))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert finished.stdout.strip() == str(callable(found))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'reed'"):
        isfdb.reed  # noqa: B018


def test_every_module_of_isfdb_can_be_imported():
    for module in pkgutil.walk_packages(isfdb.__path__, "isfdb."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def test_no_module_imports_names_from_the_package_root():
    rings = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "isfdb").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "isfdb" and path.name != "__init__.py"
        for alias in node.names
        if not is_module(alias.name)
    ]
    assert not rings, "import a name from the module that defines it"


def is_module(name: str) -> bool:
    return (ROOT / "isfdb" / f"{name}.py").exists() or (ROOT / "isfdb" / name / "__init__.py").exists()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_survives_pickling_with_its_facts(error: type[errors.IsfdbError]):
    raised = error("cannot do it: found 'x'. Do this.", key="rates", version=3)
    copy = pickle.loads(pickle.dumps(raised))
    assert type(copy) is error
    assert str(copy) == "cannot do it: found 'x'. Do this."
    assert (copy.key, copy.version) == ("rates", 3)


@pytest.mark.parametrize("group", ["loaderdumpers", "initializers"])
def test_entry_points_and_files_agree(group: str):
    announced = PROJECT["entry-points"].get(f"isfdb.{group}", {})
    files = {path.stem for path in (ROOT / group).glob("*.py") if not path.stem.startswith("_")}
    assert announced == {name: f"{group}.{name}" for name in files}


def test_the_top_level_holds_only_what_it_may():
    allowed = {"pyproject.toml", "isfdb", "loaderdumpers", "initializers", "tests", "notebooks", "docs", "README.md", "LICENSE"}
    made_by_tools = {"build", "dist", "isfdb.egg-info", "isfdb-demo", "htmlcov"}
    assert {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} <= allowed | made_by_tools
