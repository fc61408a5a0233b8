"""Reads forged databases in a process of its own, which may take little memory and be killed: ``python reader.py LIMIT_BYTES``.

Each line of its input is ``[path, key, how]``, each of its output ``[outcome, message, megabytes it ever took]``.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import sys
import traceback
import warnings

faulthandler.enable()


def _value(db, key: str) -> None:
    repr(db[key])[:1000]


def _looks(db, key: str) -> None:
    import isfdb

    entry = db.entry(key)
    for fact in ("versions", "metadata", "attributes", "describe", "nbytes", "code", "session", "inputs", "risks"):
        try:
            str(getattr(entry, fact))
        except isfdb.errors.IsfdbError:
            continue
    str(entry), entry._repr_mimebundle_(), str(db.ls()), db._repr_mimebundle_(), str(isfdb.verify(db))


HOW = {"value": _value, "looks": _looks}


def answer(path: str, key: str, how: str) -> tuple[str, str]:
    import isfdb

    try:
        HOW[how](isfdb.open(path, mode="r"), key)
    except isfdb.errors.IsfdbError as error:
        return "refused", f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - which is what is looked for
        return "broken", traceback.format_exc()[-3000:]
    return "read", ""


def most_megabytes() -> int:
    """Return the most memory this program ever took; ``ru_maxrss`` counts what its parent had, too."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM"))


def main() -> None:
    limit = int(sys.argv[1])
    warnings.simplefilter("ignore")
    import isfdb

    isfdb.set_options(register=False, capture=False)
    for line in sys.stdin:
        path, key, how = json.loads(line)
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        outcome, message = answer(path, key, how)
        print(json.dumps([outcome, message, most_megabytes()]), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
