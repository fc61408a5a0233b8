"""The kinds of risks that are recorded, and what to do about each. It finds none; `risks.py` does."""

from __future__ import annotations

from typing import Final

UNSEEDED: Final = "unseeded random numbers"
CLOCK: Final = "clock"
NETWORK: Final = "network"
ENVIRONMENT: Final = "environment variable"
ABSOLUTE_PATH: Final = "absolute path"
KEYBOARD: Final = "typed input"
PROGRAM: Final = "another program"
FAILED: Final = "failed cell"
HIDDEN: Final = "hidden cell"
WIDENED: Final = "widened slice"
NO_DIGEST: Final = "input without digest"
NOT_IN_GIT: Final = "sources not in git"
EDITED: Final = "sources edited after import"
DRIFT: Final = "changed environment"

#: Kind -> what to do about it.
ADVICE: Final[dict[str, str]] = {
    UNSEEDED: "seed the generator in the same session: rng = numpy.random.default_rng(1), or numpy.random.seed(1)",
    CLOCK: "store the time as a value of its own, and compute with that",
    NETWORK: "store what was fetched, db['raw'] = ..., and compute with db['raw']",
    ENVIRONMENT: "give the value in a cell, or store it",
    ABSOLUTE_PATH: "name the file from the project's folder, or attach it: db.attach('input', path)",
    KEYBOARD: "write the answer into a cell",
    PROGRAM: "note which program and version it is; what it read is not seen",
    FAILED: "run the cell again until it ends well, then store the value again",
    HIDDEN: "run the code in a cell that stays in the notebook",
    WIDENED: "do without exec, eval and globals(), or see with isfdb.code(db, key, check=True) whether the script suffices",
    NO_DIGEST: "keep the file where it is; only its size and time can be compared",
    NOT_IN_GIT: "put the module into a git repository; its text was stored with the value",
    EDITED: "restart the kernel: what ran is not what the files say now",
    DRIFT: "restart the kernel after installing packages",
}
