"""What ``Loader.json`` may name: modules, arguments, places elsewhere (20 to 27)."""

from __future__ import annotations

from typing import Any

from tests.hostile.corpus._items import Place, each

_NAMES = {
    20: ["os", "os.system"],
    21: ["subprocess", "subprocess.Popen", "subprocess.run"],
    22: ["antigravity", "this"],
    24: ["builtins.eval", "builtins.exec", "eval", "__import__", "__main__", "isfdb.trust", "isfdb.testing.hostile"],
    25: [
        "nobody_knows_me",
        "",
        ".",
        "..to_pickle.",
        "loaderdumpers",
        "..",
        "to_json\n",
        "to_json\0",
        "TO_JSON",
        "__init__",
        "Loader",
        "plainly",
    ],
}
for _number, _names in _NAMES.items():

    @each(_number, {f"the loader {name!r}": name for name in _names}, "UnknownLoaderdumperError", "CorruptVersionError")
    def _(place: Place, name: str) -> None:
        place.forge({"Loader": name, "command": f"touch {place.mark}", "args": [f"touch {place.mark}"]})


@each(
    23,
    {f"the loader {name!r} beside it": name for name in ("planted", ".planted", "planted.Loader", "loaderdumpers.planted")},
    "UnknownLoaderdumperError",
)
def _(place: Place, name: str) -> None:
    text = f"open({str(place.mark)!r}, 'w')\nclass Loader:\n    def get(self, savedir):\n        return 1\n"
    place.forge({"Loader": name}, lambda folder: (folder / "planted.py").write_text(text))


_ARGUMENTS = {
    "__class__": {"__class__": "os.system", "__init__": {}, "value": 1},
    "too many": {"value": 1, "extra": "x", "savedir": "/etc", "self": 2},
    "of other types": {"value": {"$numpy": "x"}},
    "a tag nobody knows": {"value": {"$eval": "1+1"}},
}


@each(26, {f"arguments: {name}": one for name, one in _ARGUMENTS.items()}, "LoadError", "CorruptVersionError")
def _(place: Place, arguments: dict[str, Any]) -> None:
    place.forge({"Loader": "loaderdumpers.to_json", **arguments})


_ELSEWHERE = [
    "../../outside/secret/data.npy",
    "/etc/passwd",
    "s3://bucket/x",
    "simplecache::http://127.0.0.1:9/x",
    "file:///etc/passwd",
    "reference://x",
]


@each(27, {f"an attachment called {name!r}": name for name in _ELSEWHERE}, "LoadError", "CorruptVersionError")
def _(place: Place, name: str) -> None:
    place.forge({"Loader": "loaderdumpers.attachment", "name": name}, lambda folder: (folder / "x").write_text("x"))


@each(27, {f"a part in {name!r}": name for name in _ELSEWHERE[:3]}, "LoadError", "CorruptVersionError", "IncompleteVersionError")
def _(place: Place, name: str) -> None:
    part = {"Loader": "loaderdumpers.numpy_to_npy", "dtype": "<i8", "shape": [3], "fortran_order": False, "offset": 128}
    place.forge({"Loader": "loaderdumpers.containers_to_parts", "parts": {name: part, "skeleton": ["list", [["part", name]]]}})
