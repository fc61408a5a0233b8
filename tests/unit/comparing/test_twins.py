"""Instances of a notebook's class, which comes along with each pickle."""

from __future__ import annotations

from typing import Any

from isfdb.comparing.values import compare_values

CELL = """
class Cell:
    scale = {scale}
    def __init__(self, rates):
        self.rates = rates
    def __eq__(self, other):
        return type(other) is Cell and self.rates == other.rates
    @property
    def mean(self):
        return sum(self.rates) / {divisor}
cell = Cell({rates})
"""


def made(rates: list[int], *, scale: int = 1, divisor: str = "len(self.rates)") -> Any:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(CELL.format(rates=rates, scale=scale, divisor=divisor), names)
    return names["cell"]


def test_instances_of_a_class_defined_twice_are_the_same():
    assert compare_values(made([1, 2]), made([1, 2])).same


def test_what_an_instance_holds_makes_a_difference():
    found = compare_values(made([1, 2]), made([1, 3]))
    assert found.status == "different"
    assert ".rates: different" in str(found)


def test_what_a_method_does_makes_a_difference():
    found = compare_values(made([1, 2]), made([1, 2], divisor="2"))
    assert found.status == "different"
    assert "Cell.mean" in str(found)


def test_what_the_class_holds_makes_a_difference():
    assert "Cell.scale" in str(compare_values(made([1]), made([1], scale=2)))


def test_classes_of_different_names_remain_different():
    assert compare_values(made([1]), type("Other", (), {"__module__": "__main__"})()).status == "different"
