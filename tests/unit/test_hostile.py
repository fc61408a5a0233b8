"""What an unlucky user, a rival process or a stranger's folder can do, and must not get away with."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from isfdb import plugins
from isfdb.errors import OptionError


@pytest.mark.parametrize("rubbish", ["attributes", ".stage-elsewhere-1-0", "notes"])
def test_a_key_folder_without_a_version_does_not_stop_a_writer(db, rubbish):
    os.makedirs(f"{db.path}/a.key/{rubbish}")
    db["a"] = 1
    assert db["a"] == 1
    assert os.listdir(f"{db.path}/.isfdb/staging") == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_does_not_publish_its_parents_batch(db):
    program = f"""
import isfdb, os
db = isfdb.open({db.path!r})
with db.batch():
    db["waits"] = 1
    child = os.fork()
    if child == 0:
        assert db.keys() == ()
        db["of the child"] = 2
        assert db.keys() == ("of the child",)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)
    assert db.keys() == ("of the child", "waits")


@pytest.mark.parametrize("fact", [np.int64(3), float("nan"), {1, 2}, "\ud800"])
def test_a_description_that_is_no_json_costs_no_save(db, fact):
    class Loader:
        def get(self, savedir):
            return None

    module = SimpleNamespace(check=lambda obj: False, dump=lambda obj, savedir: {}, describe=lambda obj: {"fact": fact}, Loader=Loader)
    plugins.register_loaderdumper(module, "odd_description")
    try:
        with db.batch():
            db.set("a", 1, dumper="odd_description")
            db["b"] = 2
    finally:
        plugins.unregister_loaderdumper("odd_description")
    assert db["b"] == 2
    assert "describe failed" in db.entry("a").describe["unknown"]


def test_a_numpy_duration_is_refused_as_a_note_and_harms_no_other(db):
    db["a"] = 1
    db.attributes["a"]["unit"] = "Hz"
    for value in (np.timedelta64(5, "s"), np.datetime64("2026-11-21"), np.complex64(1), np.longdouble(1)):
        with pytest.raises(OptionError, match="cannot be kept exactly"):
            db.attributes["a"]["odd"] = value
    assert dict(db.attributes["a"]) == {"unit": "Hz"}
