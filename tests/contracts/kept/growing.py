"""What ``db.append`` makes longer."""

from __future__ import annotations

from typing import Any

from tests.contracts.kept._kept import Kept


def first_blocks() -> list[Any]:
    import numpy as np

    from isfdb.blocks import Grown

    arrays = [np.arange(6.0).reshape(2, 3), np.zeros((0, 3)), np.array(["2020", "NaT"], "M8[D]")]
    return [Grown("numpy_to_npy", 0, (), (), array) for array in arrays]


def is_the_block(loaded: Any, value: Any) -> bool:
    return loaded.dtype == value.addition.dtype and loaded.tobytes() == value.addition.tobytes()


KEPT = {"appended": Kept(first_blocks, lambda: [1, [1]], is_the_block)}
