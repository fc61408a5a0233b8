"""What the system does not let us see is not called absent: no part is left out of what is stored, no note of what is read."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from isfdb.testing.failing_system import failing_system
from loaderdumpers._dask_tasks import laid_down


def test_a_part_that_cannot_be_seen_is_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "attempt-part").mkdir()
    start = str(tmp_path / "attempt-")
    assert laid_down(start, "part") == ["part"]
    assert laid_down(start, "none") == []
    with failing_system(tmp_path, 1, errno.EIO), pytest.raises(OSError, match="Input/output error"):
        laid_down(start, "part")


@pytest.mark.parametrize("name", ["dask_bag_to_parts", "dask_delayed_to_parts"])
def test_a_dump_that_was_refused_once_never_returns_less(name: str, tmp_path: Path) -> None:
    import dask
    import dask.bag
    import numpy

    from isfdb.plugins import loaderdumper

    rows = [numpy.arange(1000), numpy.arange(5)]
    value: Any = dask.bag.from_sequence(rows, npartitions=2) if "bag" in name else dask.delayed(list)(rows)
    module, at = loaderdumper(name), 0
    while True:
        at += 1
        savedir = tmp_path / str(at)
        savedir.mkdir()
        try:
            with failing_system(savedir, at, errno.EIO) as system, dask.config.set(scheduler="sync"):
                arguments = module.dump(value, str(savedir))
        except OSError:
            continue
        found = module.Loader(**arguments).get(str(savedir)).compute(scheduler="sync")
        assert [list(one) for one in found] == [list(one) for one in rows], system.failed
        if system.failed is None:
            break
    assert at > 5
    assert os.listdir(savedir)
