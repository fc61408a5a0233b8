"""Plain values, and whatever pickles."""

from __future__ import annotations

from tests.contracts import examples
from tests.contracts.kept._kept import Kept

KEPT = {
    "to_json": Kept(examples.plain_values, examples.not_plain),
    "to_bytes": Kept(lambda: [b"", b"abc", bytes(range(256)) * 100], lambda: [bytearray(b"a"), memoryview(b"a"), "a"]),
    "to_pickle": Kept(lambda: [(1, 2), {1: {2}}, 1j, object], list),
    "to_cloudpickle": Kept(lambda: [(1, 2), {1: {2}}, 1j, frozenset("ab"), object], list),
}
