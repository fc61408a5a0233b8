"""The reference's table is what the loaderdumpers say of themselves, and what each says it keeps is among the tested examples."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from isfdb.testing.loaderdumper_facts import check_facts
from isfdb.testing.loaderdumper_table import BEGIN, built_in, main, replaced, table
from tests.contracts.kept import KEPT

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "loaderdumpers.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BUILT_IN: dict[str, str] = PROJECT["entry-points"]["isfdb.loaderdumpers"]
MODULES = {name: importlib.import_module(module) for name, module in BUILT_IN.items()}

#: Types of which no two are equal, or that are used up by looking: a test of their own says that they come back.
ELSEWHERE = {
    "isfdb.Database": "tests/unit/loaderdumpers/test_others.py",
    "plotly.graph_objects.FigureWidget": "tests/unit/loaderdumpers/test_plotly.py",
    "pyarrow.RecordBatchReader": "tests/unit/loaderdumpers/test_arrow.py",
}


def test_the_page_is_what_the_modules_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    fresh = replaced(page, table(MODULES))
    assert page == fresh, f"run: python -m isfdb.testing.loaderdumper_table --write {PAGE.relative_to(ROOT)}"


def test_the_installed_loaderdumpers_are_those_of_the_project() -> None:
    assert {name: module.__name__ for name, module in built_in().items()} == BUILT_IN


@pytest.mark.parametrize("name", MODULES)
def test_a_loaderdumper_says_what_it_is_about(name: str) -> None:
    assert hasattr(MODULES[name], "about")
    check_facts(MODULES[name])


@pytest.mark.parametrize("name", MODULES)
def test_an_extra_is_one_that_can_be_installed(name: str) -> None:
    assert getattr(MODULES[name], "extra", "test") in PROJECT["optional-dependencies"]


def named(dotted: str) -> Any:
    """Return what a dotted name stands for, imported as far as needed."""
    names = dotted.split(".")
    for n_modules in range(len(names) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(names[:n_modules]))
        except ModuleNotFoundError:
            continue
        for name in names[n_modules:]:
            found = getattr(found, name)
        return found
    return {"None": type(None)}.get(dotted) or getattr(importlib.import_module("builtins"), dotted)


@pytest.mark.parametrize("name", [name for name, module in MODULES.items() if not hasattr(module, "reads_only")])
def test_every_type_of_a_row_is_among_the_examples(name: str) -> None:
    values = KEPT[name].values()
    types = [one for one in MODULES[name].about["types"] if one not in ELSEWHERE]
    missing = [one for one in types if not any(isinstance(value, named(one)) for value in values)]
    for value in values:
        getattr(value, "close", lambda: None)()  # pictures hold their files open
    assert not missing, f"tests/contracts/kept has no example of {missing} for {name}"


@pytest.mark.parametrize("dotted", ELSEWHERE)
def test_a_type_that_is_tested_elsewhere_is_tested_there(dotted: str) -> None:
    assert dotted.rpartition(".")[2] in (ROOT / ELSEWHERE[dotted]).read_text(encoding="utf-8")


def test_the_table_of_another_package_goes_into_its_own_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Mine\n")
    with pytest.raises(ValueError, match="write these two lines"):
        main(["--write", str(page), "loaderdumpers.to_pickle"])
    page.write_text(f"# Mine\n{BEGIN}\nold\n<!-- End of what is written -->\nend\n")
    main(["--write", str(page), "loaderdumpers.to_pickle"])
    written = page.read_text()
    assert (
        "| `object` | `to_pickle` | pickle | yes | no | no | runs code |" in written
        and "old" not in written
        and written.endswith("-->\nend\n")
    )
