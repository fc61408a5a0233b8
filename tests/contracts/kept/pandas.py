"""pandas tables."""

from __future__ import annotations

from tests.contracts import examples
from tests.contracts.kept._kept import Kept

KEPT = {
    "pandas_to_parquet": Kept(examples.frames, examples.inexact_frames),
}
