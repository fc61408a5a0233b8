"""Pickles, plain and disguised (28 to 36)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile import payloads
from tests.hostile.corpus._items import VALUE, Place, each, item

_PICKLING = {
    "to_pickle": "data.pickle",
    "to_cloudpickle": "data.pickle",
    "pandas_to_pickle": "pandas_to_pickle.pickle",
    "isf_to_pickle": "to_pickle_dump",
    "isf_to_cloudpickle": "to_cloudpickle_dump",
}
_WAYS = {28: "os.system", 29: "pydoc.locate", 30: "pandas.read_pickle", 31: "numpy.load", 32: "cloudpickle"}
for _number, _way in _WAYS.items():

    @each(_number, {f"{_way}, stored by {name}": (_way, name) for name in _PICKLING}, "UntrustedDataError")
    def _(place: Place, what: tuple[str, str]) -> None:
        way, name = what
        data = payloads.pickles(place.mark)[way]
        place.forge({"Loader": f"loaderdumpers.{name}"}, lambda folder: (folder / _PICKLING[name]).write_bytes(data))


@item(28, "with the signature of another version", "UntrustedDataError")
def _(place: Place) -> None:
    data = payloads.pickles(place.mark)["builtins.open"]
    place.forge({"Loader": "to_pickle"}, lambda folder: (folder / "data.pickle").write_bytes(data), signature="0" * 64)


@item(33, "an npy file of objects", "LoadError", "CorruptVersionError")
def _(place: Place) -> None:
    spec = {"Loader": "loaderdumpers.numpy_to_npy", "dtype": "|O", "shape": [1], "fortran_order": False, "offset": 128}
    place.forge(spec, lambda folder: (folder / "data.npy").write_bytes(payloads.object_npy(place.mark)))


@item(33, "an npz file of objects", "LoadError", "CorruptVersionError")
def _(place: Place) -> None:
    spec = {"Loader": "loaderdumpers.numpy_to_npz", "n_members": 10}
    place.forge(spec, lambda folder: (folder / "data.npz").write_bytes(payloads.object_npz(place.mark)))


@item(34, "joblib as a pickle", "UntrustedDataError")
def _(place: Place) -> None:
    place.forge(
        {"Loader": "loaderdumpers.to_pickle"}, lambda folder: (folder / "data.pickle").write_bytes(payloads.joblib_file(place.mark))
    )


@item(34, "a torch file as safetensors", "LoadError", "CorruptVersionError", "MissingDependencyError")
def _(place: Place) -> None:
    spec = {"Loader": "loaderdumpers.torch_to_safetensors"}
    place.forge(spec, lambda folder: (folder / "data.safetensors").write_bytes(payloads.torch_file(place.mark)))


def _zarr(place: Place, metadata: dict[str, dict[str, Any]]) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        root = folder / "data.zarr"
        root.mkdir()
        for name, members in metadata.items():
            (root / name).write_text(json.dumps(members))
        for name in ("0", "c"):
            (root / name).write_bytes(payloads.pickles(place.mark)["builtins.open"])

    return fill


_ZARR_2 = {
    ".zarray": {
        "zarr_format": 2,
        "shape": [1],
        "chunks": [1],
        "dtype": "|O",
        "compressor": None,
        "fill_value": 0,
        "order": "C",
        "filters": [{"id": "pickle", "protocol": 5}],
    }
}
_ZARR_3 = {
    "zarr.json": {
        "attributes": {},
        "chunk_grid": {"configuration": {"chunk_shape": [1]}, "name": "regular"},
        "chunk_key_encoding": {"configuration": {"separator": "."}, "name": "v2"},
        "codecs": [{"configuration": {}, "name": "numcodecs.pickle"}],
        "data_type": "string",
        "fill_value": "",
        "node_type": "array",
        "shape": [1],
        "zarr_format": 3,
    }
}


@each(
    35,
    {f"zarr {version} with a pickle codec": one for version, one in {2: _ZARR_2, 3: _ZARR_3}.items()},
    "LoadError",
    "CorruptVersionError",
    "MissingDependencyError",
)
def _(place: Place, metadata: dict[str, Any]) -> None:
    place.forge({"Loader": "loaderdumpers.numpy_to_zarr", "dtype": "|O", "shape": [1]}, _zarr(place, metadata))


@each(
    36,
    {"parquet with pickled types": ("pandas_to_parquet", "data.parquet"), "arrow with pickled types": ("pandas_to_arrow", "data.arrow")},
    "LoadError",
    "CorruptVersionError",
    VALUE,
)
def _(place: Place, what: tuple[str, str]) -> None:
    name, file = what
    data = payloads.arrow_with_pickled_type(place.mark, parquet=file.endswith("parquet"))
    place.forge({"Loader": f"loaderdumpers.{name}"}, lambda folder: (folder / file).write_bytes(data))


@each(
    36,
    {f"msgpack with pickles for {name}": name for name in ("to_msgpack", "numpy_to_msgpack", "pandas_to_msgpack", "dask_to_msgpack")},
    "LoadError",
    "CorruptVersionError",
    "MissingDependencyError",
    VALUE,
)
def _(place: Place, name: str) -> None:
    files = ("to_pickle_dump", "np.msgpack", "pandas_to_msgpack", "data.msgpack", "dask_to_msgpack.0")
    data = payloads.msgpack_with_extensions(place.mark)
    place.forge({"Loader": f"loaderdumpers.{name}"}, lambda folder: [(folder / file).write_bytes(data) for file in files])
