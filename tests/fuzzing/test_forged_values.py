"""Values whose files and specs were forged: they are read or refused, in bounded memory, and the process that reads them lives."""

from __future__ import annotations

import json
import random
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isfdb
from tests.fuzzing.forging import mutated, reseal, with_changed_bytes, write_spec

LIMIT_BYTES = 6 * 2**30
#: Longer than any value here takes on a busy computer, by far.
_HANGS_S = 120.0
_MOST_MEGABYTES = 1500


def values() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return values by name, with the options under which they are stored."""
    import pandas
    import scipy.sparse

    frame = pandas.DataFrame({"x": [1.5, 2.5], "t": ["a", "b"], "c": pandas.Categorical(["u", "v"])})
    return {
        "json": ({"a": [1, 2.5, None], "b": {"$x": "é"}}, {}),
        "containers": ([(1, 2), {3: {4}}, np.arange(4)], {}),
        "npy": (np.arange(12.0).reshape(3, 4), {}),
        "npz": ({"x": np.arange(5), "y": np.zeros(300)}, {"dumper": "numpy_to_npz", "compressed": True}),
        "zarr": (np.arange(100), {"dumper": "numpy_to_zarr"}),
        "frame": (frame, {}),
        "arrow": (frame, {"dumper": "pandas_to_arrow"}),
        "sparse": (scipy.sparse.csr_array(np.eye(3)), {}),
        "masked": (np.ma.masked_equal([1, 2, 3], 2), {}),
        "scalar": (np.float32(0.1), {}),
    }


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A database of which each value lies in another format."""
    with tempfile.TemporaryDirectory() as folder, isfdb.set_options(register=False, durability="process", capture=False):
        db = isfdb.open(Path(folder, "made"))
        for name, (value, options) in values().items():
            db.set(name, value, **options)
        yield Path(folder, "made")


class Reader:
    """A process that reads forged values, and is started again where one ended it."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("reader.py")), str(LIMIT_BYTES)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def outcome(self, path: Path, key: str) -> tuple[str, str, int]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([str(path), key, "value"]).encode() + b"\n")
        self._process.stdin.flush()
        answered = select.select([self._process.stdout], [], [], _HANGS_S)[0]
        line = self._process.stdout.readline() if answered else b""
        if not line:
            self.end()
            status = self._process.returncode
            self._start()
            return ("ended" if answered else "hung", f"the process ended with {status}", 0)
        outcome, message, megabytes = json.loads(line)
        return outcome, message, megabytes

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.end()


def forge(made: Path, folder: Path, key: str, chance: random.Random) -> None:
    """Make a database with one forged value in it."""
    shutil.copytree(made, folder, ignore=lambda path, names: [name for name in names if name.endswith(".key") and name != f"{key}.key"])
    version = folder / f"{key}.key" / "v000001"
    spec = json.loads((version / "Loader.json").read_bytes())
    files = [path for path in sorted(version.rglob("*")) if path.is_file() and path.name not in ("metadata.json", "Loader.json")]
    for _ in range(chance.choice([1, 1, 2])):
        if files and chance.random() < 0.5:
            path = chance.choice(files)
            path.write_bytes(with_changed_bytes(path.read_bytes(), chance))
        else:
            arguments = mutated({name: fact for name, fact in spec.items() if name not in ("Loader", "format")}, chance)
            spec = {**(arguments if isinstance(arguments, dict) else {}), "Loader": spec["Loader"], "format": 1}
    try:
        write_spec(version, spec)
    except (ValueError, TypeError):
        return  # no JSON that isfdb writes; the spec stays as it was
    reseal(version)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes cannot be waited for here")
@pytest.mark.parametrize("key", list(values()))
def test_forged_values_are_read_or_refused(made, reader, tmp_path, key, long_run, tally):
    n_tries = 200 if long_run else 5
    chance = random.Random(f"{key} 7")
    for number in range(n_tries):
        folder = tmp_path / str(number)
        forge(made, folder, key, chance)
        outcome, message, megabytes = reader.outcome(folder, key)
        assert outcome in ("read", "refused"), f"{folder}: {message}"
        assert megabytes < _MOST_MEGABYTES, folder
        shutil.rmtree(folder)
    tally("forged values, with digests that fit", tries=n_tries)


def test_a_reader_that_ends_or_takes_too_much_is_noticed(made, tmp_path):
    """Negative control: a process that dies in the middle is told, and the next question is answered."""
    reader = Reader()
    try:
        reader._process.kill()
        reader._process.wait()
        with pytest.raises((BrokenPipeError, AssertionError)):
            assert reader.outcome(made, "npy")[0] == "read"
        reader.end()
        reader._start()
        assert reader.outcome(made, "npy")[0] == "read"
    finally:
        reader.end()
