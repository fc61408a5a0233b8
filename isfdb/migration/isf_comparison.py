"""Is what was stored what had been read? Compares values without mercy, lazy frames a partition at a time, folders file by file."""

from __future__ import annotations

import os
from typing import Any

from isfdb.hashing import digest_of_file
from isfdb.identical import assert_identical


def difference(found: Any, expected: Any) -> str | None:
    """Return how two values differ, None where they do not, or where two pickles of them are one."""
    try:
        if hasattr(expected, "npartitions") and hasattr(expected, "_meta"):
            _compare_partitions(found, expected)
        else:
            assert_identical(found, expected)
    except Exception as error:  # noqa: BLE001 - a stranger's class may fail in any way when it is compared
        return None if _is_same_pickle(found, expected) else f"{type(error).__name__}: {error}"[:300]
    return None


def _compare_partitions(found: Any, expected: Any) -> None:
    if type(found) is not type(expected) or found.npartitions != expected.npartitions:
        raise AssertionError(f"it is a {type(found).__name__} of {getattr(found, 'npartitions', 0)} partitions")
    assert_identical(tuple(found.divisions), tuple(expected.divisions), "the divisions")
    for place in range(expected.npartitions):
        one, other = (frame.get_partition(place).compute(scheduler="synchronous") for frame in (found, expected))
        assert_identical(one, other, f"partition {place}")


def _is_same_pickle(found: Any, expected: Any) -> bool:
    """Say whether two objects that do not know when they are equal, as functions, are pickled alike."""
    import cloudpickle

    try:
        return bool(cloudpickle.dumps(found, protocol=5) == cloudpickle.dumps(expected, protocol=5))
    except Exception:  # noqa: BLE001 - then nothing says that they are the same
        return False


def changed_file(source: str, target: str, names: list[str]) -> str | None:
    """Return the first file of a copy that is not as its original is, None where all are."""
    for name in names:
        if digest_of_file(os.path.join(source, name)) != digest_of_file(os.path.join(target, name)):
            return name
    return None
