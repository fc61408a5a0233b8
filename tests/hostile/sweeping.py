"""Takes values that loaderdumpers stored, puts hostile texts and payloads into every place of them, seals that, and reads it, watched."""

from __future__ import annotations

import copy
import json
import os
import shutil
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import isfdb
from isfdb.errors import IsfdbError
from tests.hostile import forging, payloads, visiting

#: Leaves of one JSON file that are changed, and files of one version.
MOST_LEAVES, MOST_FILES = 40, 6

Change = Callable[[Path], object]


class Sweep:
    """One run.

    Parameters
    ----------
    root : Path
        An empty folder.
    every : int
        Of so many changes, one is tried.
    """

    def __init__(self, root: Path, every: int) -> None:
        self.root, self.every = root, every
        self.mark = root / "mark"
        self.secret = root / "secret"
        self.secret.write_text("secret")
        (root / "planted").mkdir()
        (root / "planted" / "planted_module.py").write_text(f"open({str(self.mark)!r}, 'w')\nclass Thing:\n    pass\n")
        sys.path.append(str(root / "planted"))
        self.texts = ["os.system", "planted_module.Thing", "../../../secret", str(self.secret), f"file://{self.secret}", "|O", "pickle"]
        self.payloads = payloads.disguises(self.mark)
        self.outcomes: Counter[str] = Counter()
        self.bad: list[str] = []
        self.n_tried = self._n_asked = 0

    def made(self, names: list[str]) -> dict[str, Path]:
        """Store up to two values by each loaderdumper, as a stranger; return their folders."""
        from tests.contracts.kept import KEPT

        os.environ["ISFDB_DATA_FOLDER"] = str(self.root / "stranger")
        db = isfdb.open(self.root / "made")
        found: dict[str, Path] = {}
        for name in names:
            for number, value in enumerate(KEPT[name].values()):
                version = db.set(f"{name} {number}", value, dumper=name)
                found[version.key] = version.path
                if len([one for one in found if one.startswith(f"{name} ")]) == 2:
                    break
        os.environ["ISFDB_DATA_FOLDER"] = str(self.root / "mine")
        return found

    def run(self, names: list[str]) -> None:
        """Try all changes of what was stored."""
        self.target = isfdb.open(self.root / "target")
        for key, source in self.made(names).items():
            for where, change in self._changes(source):
                self._n_asked += 1
                if self._n_asked % self.every == 0:
                    self._try(f"{key}: {where}", source, change)

    def _changes(self, source: Path) -> Iterator[tuple[str, Change]]:
        files = [path for path in source.rglob("*") if path.is_file() and path.name not in ("metadata.json", "code.py")]
        for file in [source / "Loader.json", *[path for path in sorted(files) if path.name != "Loader.json"][:MOST_FILES]]:
            inner = file.relative_to(source)
            if file.suffix == ".json":
                yield from self._changed_leaves(inner, json.loads(file.read_bytes()))
            if file.name != "Loader.json":
                for name, data in self.payloads.items():
                    yield f"{inner} is {name}", lambda folder, inner=inner, data=data: (folder / inner).write_bytes(data)

    def _changed_leaves(self, inner: Path, members: Any) -> Iterator[tuple[str, Change]]:
        for place in list(_leaves(members))[:MOST_LEAVES]:
            for text in self.texts:
                changed = json.dumps(_with(members, place, text))
                yield f"{inner}{list(place)} = {text}", lambda folder, changed=changed: (folder / inner).write_text(changed)

    def _try(self, label: str, source: Path, change: Change) -> None:
        self.n_tried += 1
        folder = forging.version_of(self.root / "target", f"k{self.n_tried}")
        folder.parent.mkdir()
        shutil.copytree(source, folder)
        for name in ("metadata.json", "code.py"):
            (folder / name).unlink(missing_ok=True)
        change(folder)
        forging.seal(folder, f"k{self.n_tried}")
        with visiting.watched(str(self.secret)) as events:
            self.outcomes[self._read(f"k{self.n_tried}", label)] += 1
        self.bad += [f"{label}: {event}" for event in events]
        events.clear()
        if self.mark.exists():
            self.bad.append(f"{label}: it ran")
            self.mark.unlink()
        shutil.rmtree(folder.parent)

    def _read(self, key: str, label: str) -> str:
        try:
            value = self.target[key]
        except IsfdbError as error:
            return type(error).__name__
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            self.bad.append(f"{label}: {error!r}")
            return "another error"
        return self._used(value)

    def _used(self, value: Any) -> str:
        """Read a lazy value, too: its errors may be of any kind by then, but nothing may run."""
        try:
            repr(value.compute(scheduler="synchronous") if hasattr(value, "compute") else value)
        except Exception:  # noqa: BLE001
            return "a value that cannot be used"
        return "a value"


def _leaves(members: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(members, dict):
        for name, member in members.items():
            yield from _leaves(member, (*place, name))
    elif isinstance(members, list):
        for number, member in enumerate(members[:6]):
            yield from _leaves(member, (*place, number))
    elif isinstance(members, str) and place:
        yield place


def _with(members: Any, place: tuple[Any, ...], text: str) -> Any:
    changed = here = copy.deepcopy(members)
    for name in place[:-1]:
        here = here[name]
    here[place[-1]] = text
    return changed


def main() -> None:
    """Do what standard input asks, and print what came of it."""
    warnings.simplefilter("ignore")
    asked = json.loads(sys.stdin.read())
    _ = isfdb.__version__
    sweep = Sweep(Path(asked["root"]), asked["every"])
    if asked["weakness"]:
        exec(asked["weakness"])
    with isfdb.set_options(register=False, capture=False):
        sweep.run(asked["names"])
    print(json.dumps({"tried": sweep.n_tried, "outcomes": sweep.outcomes, "bad": sweep.bad}))


if __name__ == "__main__":
    main()
