"""Running the slice of a value gives that value: small notebooks, each run in a real IPython, sliced, and its slice run by itself."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import pytest

from tests.unit.provenance.slicing.replaying import replayed

CASES = {
    f"{path.stem}: {name}": text
    for path in sorted((Path(__file__).parent / "cases").glob("*.txt"))
    for name, _, text in [part.partition("\n") for part in re.split(r"(?m)^== ", path.read_text(encoding="utf-8"))[1:]]
}
#: Cases whose slice is larger than a person would make it, and by how many statements: a price of never making one too small.
LARGER = {
    "language: dataclass": 2,
    "language: for else": 1,
    "language: while with break": 1,
    "libraries: xarray assign makes another": 1,
    "libraries: dask delayed": 1,
    "notebook: star import of one's own module": 1,
    "notebook: environment": 1,
    "mixed: rows of a table": 1,
}
_NEEDS = re.compile(r"\b(torch|sklearn|xarray|dask|polars|networkx|h5py|zarr|joblib|scipy|matplotlib)\b")
_SLOW_TO_IMPORT = frozenset({"torch", "sklearn", "dask", "xarray"})
SIZES: dict[str, float] = {}


@pytest.mark.parametrize("name", CASES)
def test_a_slice_gives_what_the_session_gave(name: str, long_run: bool) -> None:
    modules = set(_NEEDS.findall(CASES[name]))
    if modules & _SLOW_TO_IMPORT and not long_run:
        pytest.skip("its libraries take seconds to import: in a long run only")
    for module in modules:
        pytest.importorskip(module)
    case = replayed(CASES[name])
    assert case.is_sound, case.text
    assert case.value not in (None, "None"), "the case shows nothing"
    assert case.size <= case.minimum + LARGER.get(name, 0), (case.too_much, case.widened)
    SIZES[name] = case.size / case.minimum


def test_slices_are_hardly_larger_than_those_made_by_hand() -> None:
    assert statistics.median(SIZES.values() or [1]) <= 1.05
