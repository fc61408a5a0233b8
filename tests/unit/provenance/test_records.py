"""What records say about slices, inputs and risks: read back as written, and never an error whatever lies there."""

from __future__ import annotations

import pytest

from isfdb.exact_json import compact
from isfdb.hashing import digest_of
from isfdb.layout.current import INPUTS_FOLDER
from isfdb.provenance.records import Risk, SliceFacts, UsedFile, UsedValue, risks_of, slice_of, used_of
from isfdb.storage.local import LocalStorage

_USED = (
    UsedValue("isfdb://0123/rates@3", "ab" * 32, 4),
    UsedFile("/data/a.csv", 10, 1.5, None, "larger than the limit", 2, written_here=True),
)


@pytest.fixture
def storage(tmp_path) -> LocalStorage:
    return LocalStorage(str(tmp_path))


def test_what_a_record_holds_is_read_back(storage) -> None:
    risk = Risk("clock", 3, "now = time.time()")
    facts = SliceFacts(
        2, (("out of order", "because"),), ("it uses exec",), 120, "cd" * 32, {"r": "isfdb://01"}, {"db": "isfdb.open('isfdb://01')"}
    )
    record = {"risks": [risk.to_json()], "slice": facts.to_json(), "used": [one.to_json() for one in _USED]}
    assert used_of(storage, record) == _USED
    assert risks_of(record) == (risk,)
    assert slice_of(record) == facts


def test_a_long_list_of_inputs_is_read_from_where_it_lies(storage) -> None:
    text = compact([one.to_json() for one in _USED]).encode()
    storage.put(f"{INPUTS_FOLDER}/{digest_of(text)}.json", text)
    assert used_of(storage, {"used": {"n": 2, "stored": digest_of(text)}}) == _USED


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"risks": None, "slice": None, "used": None},
        {"risks": 3, "slice": [], "used": "x"},
        {"risks": [3, {}, {"risk": 4}], "slice": {"code": 3}, "used": [3, {}, {"value": 4}, {"file": None}]},
        {"slice": {"code": ["a", 1]}, "used": {"stored": "../../../etc/passwd"}},
        {"used": {"stored": "0" * 64}},
        {"used": {"stored": None, "n": 10**12}},
    ],
)
def test_what_is_not_there_or_not_understood_is_nothing(storage, record) -> None:
    assert (used_of(storage, record), risks_of(record), slice_of(record)) == ((), (), None)
