"""What ISF's names still write. What only reads is tested on files that ISF wrote: tests/unit/loaderdumpers/test_isf.py."""

from __future__ import annotations

from typing import Any

from tests.contracts.kept._kept import Kept


def frames() -> list[Any]:
    import pandas as pd

    return [pd.DataFrame({"a": [1, 2], "b": ["é", None]}), pd.DataFrame({"o": [{1}, (2,)]}), pd.Series([1.5], name="x"), pd.DataFrame()]


KEPT = {"pandas_to_pickle": Kept(frames, lambda: [1, "a"])}
