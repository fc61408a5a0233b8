"""Tensors come back bit by bit, and what shared memory shares it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.testing import assert_identical
from loaderdumpers import torch_to_safetensors

torch = pytest.importorskip("torch", reason="torch takes a gigabyte, so the test extra leaves it out")


def stored(value: Any, folder: Path, **options: Any) -> Any:
    folder.mkdir()
    arguments = json.loads(json.dumps(torch_to_safetensors.dump(value, str(folder)), sort_keys=True))
    return torch_to_safetensors.Loader(**arguments).get(str(folder), **options)


class Tied(torch.nn.Module):
    """A model whose two layers have one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.outward = torch.nn.Embedding(5, 3), torch.nn.Linear(3, 5, bias=False)
        self.outward.weight = self.inward.weight


@pytest.mark.parametrize("code", "uint16 uint32 uint64 int16 int32 float8_e4m3fn float8_e5m2 float8_e4m3fnuz".split())
def test_a_dtype_that_pickle_does_not_know_is_kept(code: str, tmp_path: Path) -> None:
    value = torch.arange(6).reshape(2, 3).to(getattr(torch, code))
    assert_identical(stored(value, tmp_path / "v1"), value)


def test_tied_weights_are_stored_once_and_tied_again(tmp_path: Path) -> None:
    weights = Tied().state_dict()
    found = stored(weights, tmp_path / "v1")
    assert_identical(found, weights)
    found["inward.weight"][0, 0] = 7
    assert found["outward.weight"][0, 0] == 7
    assert (tmp_path / "v1" / "data.safetensors").stat().st_size < 300


def test_a_state_dict_keeps_what_torch_notes_of_its_layers(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    found = stored(model.state_dict(), tmp_path / "v1")
    assert found._metadata == model.state_dict()._metadata
    torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)).load_state_dict(found)


def test_an_optimizer_goes_on_from_its_state(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    found = stored(optimizer.state_dict(), tmp_path / "v1")
    assert_identical(found, optimizer.state_dict())
    torch.optim.Adam(model.parameters()).load_state_dict(found)


def test_views_of_one_tensor_are_views_again(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    value = {"whole": whole, "row": whole[1], "column": whole[:, 2], "turned": whole.t(), "same": whole}
    found = stored(value, tmp_path / "v1")
    assert_identical(found, value)
    found["whole"][1, 2] = 99
    assert (found["row"][2], found["column"][1], found["turned"][2, 1]) == (99, 99, 99)
    assert found["same"] is found["whole"]


def test_parts_of_a_large_tensor_do_not_bring_the_whole_along(tmp_path: Path) -> None:
    large = torch.zeros(10**6)
    stored({"begin": large[:10], "end": large[-10:], "odd": large[100:120:2]}, tmp_path / "v1")
    assert (tmp_path / "v1" / "data.safetensors").stat().st_size < 1000


def test_a_change_after_loading_does_not_reach_the_file(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    arguments = torch_to_safetensors.dump(torch.ones(1000), str(tmp_path / "v1"))
    loader = torch_to_safetensors.Loader(**arguments)
    loader.get(str(tmp_path / "v1"))[:] = 5
    assert loader.get(str(tmp_path / "v1")).sum() == 1000


def test_parts_are_read_alone(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    value = {"a": torch.arange(9.0), "b": {"c": torch.zeros(3)}, "d": [torch.ones(1), 2], "epoch": 4}
    db["value"] = value
    assert_identical(db.get("value", select=["b", "epoch"]), {"b": {"c": torch.zeros(3)}, "epoch": 4})
    for select, found in (("a", value["a"]), (("b", "c"), torch.zeros(3)), (("a", slice(2, 4)), torch.tensor([2.0, 3])), (("d", 1), 2)):
        assert_identical(db.get("value", select=select), found)
    db["tensor"] = torch.arange(12.0).reshape(3, 4)
    assert_identical(db.get("tensor", slice(1, 3)), torch.arange(4.0, 12).reshape(2, 4))
    with pytest.raises(isfdb.errors.LoadError, match=r"there is no entry \['z'\]"):
        db.get("value", select=["a", "z"])
    with pytest.raises(isfdb.errors.LoadError, match=r"nothing can be selected by slice\(0, 2, None\) in a dict"):
        db.get("value", slice(0, 2))


def test_the_file_is_read_without_isfdb(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    stored({"layer": {"weight": torch.ones(2)}}, tmp_path / "v1")
    assert_identical(load_file(tmp_path / "v1" / "data.safetensors"), {"layer.weight": torch.ones(2)})


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: torch.ones(2, requires_grad=True) * 2, r"autograd remembers; store tensor\.detach\(\)"),
        (lambda: torch.ones(2, device="meta"), "without values"),
        (lambda: [torch.ones(2), {"hooked": _hooked()}], r"'1\.hooked' has hooks"),
        (lambda: _viewed_as_integers(), r"'0' and '1' share memory as float32 and int32; store a clone"),
        (lambda: torch.nn.Linear(1, 1), r"not Linear; store model\.state_dict\(\)"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_alternative(make: Any, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=complaint):
        stored(make(), tmp_path / "v1")


def _hooked() -> Any:
    found = torch.ones(2, requires_grad=True)
    found.register_hook(lambda gradient: gradient)
    return found


def _viewed_as_integers() -> list[Any]:
    one = torch.ones(2)
    return [one, one.view(torch.int32)]


def test_damage_is_told(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    value = {f"layer {n}": torch.ones(3) for n in range(30)}
    arguments = torch_to_safetensors.dump(value, str(tmp_path))
    loader, path = torch_to_safetensors.Loader(**arguments), tmp_path / "data.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with pytest.raises(ValueError, match=r"data\.safetensors is damaged"):
        loader.get(str(tmp_path))
    for changed, complaint in (
        ({**value, "layer 3": torch.ones(4)}, r"shape \(4,\), and \(3,\) was stored"),
        ({**value, "layer 3": torch.ones(3, dtype=torch.float64)}, "dtype float64, and float32 was stored"),
        ({"layer 1": torch.ones(3)}, "is not the file that was stored"),
    ):
        save_file(changed, path)
        with pytest.raises(ValueError, match=complaint):
            loader.get(str(tmp_path))
    (tmp_path / "structure.json").write_text("{")
    with pytest.raises(ValueError, match=r"structure\.json is no whole JSON"):
        loader.get(str(tmp_path))


def test_a_view_cannot_lead_out_of_its_memory(tmp_path: Path) -> None:
    arguments = torch_to_safetensors.dump(torch.ones(3, 4).t(), str(tmp_path))
    for view in ([[1, 4], 1], [[1, 4], -1], [[-1, 4], 0], [[1, 5], 0]):
        arguments["structure"]["tensor"]["view"] = view
        with pytest.raises(ValueError, match="is too short for what"):
            torch_to_safetensors.Loader(**arguments).get(str(tmp_path))


def test_a_database_keeps_checkpoints(tmp_path: Path) -> None:
    db = isfdb.open(tmp_path / "db")
    db["checkpoint"] = {"weights": torch.ones(2, 3), "epoch": 1}
    assert_identical(db["checkpoint"], {"weights": torch.ones(2, 3), "epoch": 1})
    facts = {"type": "dict", "tensors": 1, "values": 6, "nbytes": 24, "names": ["weights", "epoch"]}
    assert db.entry("checkpoint").describe == facts
    db["tensor"] = torch.ones(2, 3)
    assert db.entry("tensor").describe == {"type": "Tensor", "shape": [2, 3], "dtype": "float32"}
