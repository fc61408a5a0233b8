"""Quantities come back with their magnitudes and units, or the unit that means something else now is named."""

from __future__ import annotations

import fractions
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from isfdb.testing import assert_identical
from loaderdumpers import pint_to_parts

pint = pytest.importorskip("pint")


@pytest.fixture(autouse=True)
def usual_registry() -> Iterator[None]:
    """Leave the application registry as it was."""
    before = pint.get_application_registry().get()
    yield
    pint.set_application_registry(before)


def registry_with(definition: str) -> Any:
    registry = pint.UnitRegistry()
    registry.define(definition)
    return registry


def test_a_quantity_of_another_registry_comes_back_in_the_application_registry(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    registry = pint.UnitRegistry()
    db["speed"] = registry.Quantity(np.arange(3.0), "km/s")
    assert_identical(db["speed"], pint.get_application_registry().Quantity(np.arange(3.0), "km/s"))
    assert db.entry("speed").describe == {"type": "Quantity", "units": "kilometer * second ** -1", "shape": [3], "dtype": "float64"}
    pint.set_application_registry(registry)
    assert (db["speed"] + registry.Quantity(1.0, "m/s")).units == registry.Unit("km/s")


def test_an_array_is_mapped_and_read_in_part(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    quantity = pint.get_application_registry().Quantity
    db["trace"] = quantity(np.arange(1000.0), "mV")
    assert_identical(db.get("trace", select=np.s_[10:12]), quantity(np.array([10.0, 11.0]), "mV"))
    assert not db.get("trace", mmap="r").magnitude.flags.writeable


def test_fractions_as_exponents_stay_fractions(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    registry = pint.get_application_registry()
    value = registry.Quantity(1, registry.m ** fractions.Fraction(1, 3) / registry.s)
    db["odd"] = value
    assert_identical(db["odd"], value)
    assert type(dict(db["odd"]._units)["meter"]) is fractions.Fraction


def test_a_unit_of_ones_own_must_be_known_to_the_application_registry(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    registry = registry_with("barn_door = 3 m")
    with pytest.raises(isfdb.errors.DumpError, match=r"'barn_door' is not defined there; .*pint\.set_application_registry"):
        db["width"] = registry.Quantity(2, "barn_door")
    pint.set_application_registry(registry)
    db["width"] = registry.Quantity(2, "barn_door")
    assert db["width"].to("m").magnitude == 6


def test_a_unit_that_means_something_else_now_is_not_loaded(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    pint.set_application_registry(registry_with("barn_door = 3 m"))
    db["width"] = pint.get_application_registry().Quantity(2, "barn_door")
    for definition, found in (("barn_door = 4 m", "is 4.0 meter there"), ("barn_door = 3 s", "is 3.0 second there")):
        pint.set_application_registry(registry_with(definition))
        with pytest.raises(isfdb.errors.LoadError, match=f"'barn_door' was 3.0 meter, and {found}"):
            _ = db["width"]


def test_what_has_no_open_format_is_refused(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    with pytest.raises(isfdb.errors.DumpError, match=r"a numpy\.ndarray, has no open format"):
        db["objects"] = pint.get_application_registry().Quantity(np.array([object()]), "m")


def test_an_uncertain_magnitude_is_refused(tmp_path: Path) -> None:
    uncertainties = pytest.importorskip("uncertainties", reason="uncertainties is no library of isfdb")
    quantity = pint.get_application_registry().Quantity(uncertainties.ufloat(1, 0.1), "m")
    with pytest.raises(TypeError, match="store nominal value and standard deviation"):
        pint_to_parts.dump(quantity, str(tmp_path))
