"""Facts about the computer are there, cheap the second time, and hold no environment variable that is not on the list."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from typing import TYPE_CHECKING

import pytest

from isfdb.provenance.collectors import machine as machine_module
from isfdb.provenance.collectors.machine import machine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this process knows."""
    monkeypatch.setattr(machine_module, "_machine", None)
    monkeypatch.setattr(machine_module, "_gpu", {})


def test_what_every_computer_has_is_known() -> None:
    facts = machine()
    json.dumps(facts)
    assert facts["host"] == platform.node()
    assert facts["cores"]["logical"] == os.cpu_count()
    assert facts["memory_bytes"] > 1 << 20
    assert facts["os"]["system"] == platform.system()
    assert facts["user"]


def test_a_second_answer_is_the_same_object() -> None:
    assert machine() is machine()


def test_only_variables_on_the_list_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("MY_LAB_PASSWORD", "correct horse")
    monkeypatch.setenv("MY_LAB_FOLDER", "some folder")
    facts = machine()
    assert facts["variables"]["OMP_NUM_THREADS"] == "3"
    assert facts["variables"]["PYTHONHASHSEED"] == "7"
    assert "MY_LAB" not in json.dumps(facts)
    assert "correct horse" not in json.dumps(facts)


def test_blas_is_unknown_without_numpy_and_known_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    assert machine()["blas"]
    monkeypatch.delitem(sys.modules, "numpy")
    monkeypatch.delitem(sys.modules, "threadpoolctl", raising=False)
    assert machine()["blas"] is None
    monkeypatch.setitem(sys.modules, "numpy", np)
    assert machine()["blas"]


def test_a_fact_that_cannot_be_learned_is_null_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        message = "no such thing here"
        raise OSError(message)

    monkeypatch.setattr(platform, "node", refuse)
    facts = machine()
    assert facts["host"] is None
    assert facts["unknown"] == {"host": "OSError: no such thing here"}
    assert facts["cores"]


def test_a_slow_nvidia_smi_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.path.isdir("/proc/driver/nvidia"):
        pytest.skip("the kernel answers here, nvidia-smi is not asked")
    waits = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{waits}\necho 'NVIDIA A100-SXM4-40GB, 550.54'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    facts = machine()
    assert facts["gpu"] is None
    assert "not answered yet" in facts["unknown"]["gpu"]
    (tmp_path / "go").touch()
    deadline = time.monotonic() + 60
    while machine()["gpu"] is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert machine()["gpu"] == ["NVIDIA A100-SXM4-40GB, driver 550.54"]


def test_no_gpu_is_an_empty_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if os.path.isdir("/proc/driver/nvidia"):
        pytest.skip("there is a GPU")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine()["gpu"] == []
