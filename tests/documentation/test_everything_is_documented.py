"""Every public name, error, option, loaderdumper, verb and magic stands in the reference."""

from __future__ import annotations

import inspect
import tomllib
from pathlib import Path

import pytest

import isfdb
from isfdb import errors, options
from isfdb.cli.verbs import VERBS
from isfdb.database import Database
from isfdb.entry import Entry, Version

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*isfdb.__all__, "__version__"])
def test_a_public_name_is_in_the_reference(name: str):
    assert f"`isfdb.{name}`" in page("api.md")


ERRORS = [
    thing for thing in vars(errors).values() if isinstance(thing, type) and issubclass(thing, (errors.IsfdbError, errors.IsfdbWarning))
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_is_in_the_tree_and_says_what_it_means(error: type):
    assert f" {error.__name__} " in f" {inspect.getdoc(errors)} ".replace("\n", " ")
    assert error.__dict__.get("__doc__")
    assert "automodule:: isfdb.errors" in page("errors.md")


@pytest.mark.parametrize("name", options.SETTINGS)
def test_a_setting_is_in_the_reference(name: str):
    assert f"`{name}`" in page("options.md")
    assert f"`ISFDB_{name.upper()}`" in page("options.md")


@pytest.mark.parametrize("name", PROJECT["entry-points"]["isfdb.loaderdumpers"])
def test_a_loaderdumper_is_in_the_reference(name: str):
    assert f"`{name}`" in page("loaderdumpers.md")


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_is_in_the_reference(verb: str):
    assert f"isfdb {verb}" in page("cli.md")


def test_every_magic_is_in_the_reference():
    from isfdb.jupyter.verbs import VERBS as MAGICS  # tests/jupyter/test_magics_reference.py has the options

    assert not [verb for verb in MAGICS if f"%isfdb {verb}" not in page("magics.md")]


@pytest.mark.parametrize("kind", [Database, Entry, Version], ids=lambda kind: kind.__name__)
def test_every_public_method_has_a_docstring(kind: type):
    inherited = set(dir(dict)) | {"clear"}
    public = {name: thing for name, thing in vars(kind).items() if not name.startswith("_") and name not in inherited}
    assert not [name for name, thing in public.items() if (callable(thing) or isinstance(thing, property)) and not inspect.getdoc(thing)]


def test_a_change_note_has_a_number_and_a_kind():
    notes = [path.name for path in (ROOT / "docs" / "changes").iterdir()]
    assert notes
    for note in notes:
        number, kind, ending = note.split(".")
        assert number.isdigit()
        assert kind in ("feature", "fix", "change", "removal", "docs")
        assert ending == "md"
        assert f"changes/{note}" in (ROOT / "docs" / "changelog.md").read_text()


def test_a_schema_is_linked_from_the_format():
    assert not [path.name for path in (REFERENCE / "schemas").iterdir() if f"schemas/{path.name}" not in page("format.md")]
