"""Plug-ins: found by entry point or registered at run time, chosen in a documented order; a broken one stops nobody."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import types
from pathlib import Path

import pytest

from isfdb import plugins
from isfdb.errors import BrokenPluginWarning, NoDumperError, UnknownLoaderdumperError


class Point:
    """A value that no built-in format keeps openly."""

    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = x, y


def make_module(name: str = "to_point", **facts: object) -> types.ModuleType:
    module = types.ModuleType(name)

    class Loader:
        def __init__(self, x, y):
            self.point = Point(x, y)

        def get(self, savedir):
            return self.point

    module.check = lambda obj: type(obj) is Point
    module.dump = lambda obj, savedir: {"x": obj.x, "y": obj.y}
    module.Loader = Loader
    for fact, value in facts.items():
        setattr(module, fact, value)
    return module


@pytest.fixture
def registered():
    names = []

    def register(module: types.ModuleType) -> types.ModuleType:
        names.append(plugins.register_loaderdumper(module))
        return module

    yield register
    for name in names:
        plugins.unregister_loaderdumper(name)


def test_a_module_registered_at_run_time_works_like_a_built_in(db, registered):
    registered(make_module(describe=lambda obj: {"type": "Point", "shape": [2]}))
    db["p"] = Point(1.0, 2.0)
    assert (db["p"].x, db["p"].y) == (1.0, 2.0)
    assert db.entry("p").dumper == "to_point" and db.entry("p").describe["shape"] == [2]


def test_without_its_plug_in_a_value_says_what_is_missing(db, registered):
    registered(make_module())
    db["p"] = Point(1.0, 2.0)
    plugins.unregister_loaderdumper("to_point")
    with pytest.raises(UnknownLoaderdumperError, match="there is no loaderdumper 'to_point'"):
        db["p"]
    assert db.entry("p").describe["type"] == "Point"


def test_priority_decides_who_is_asked_first(db, registered):
    registered(make_module("late_point", priority=60))
    registered(make_module("early_point", priority=20))
    assert plugins.choose(Point(0, 0))[0] == "early_point"
    order = [name for _, name, _ in plugins.in_order()]
    assert order.index("to_json") < order.index("numpy_to_npy") < order.index("to_cloudpickle")
    assert order[-1] == "to_cloudpickle"


def test_what_is_no_loaderdumper_is_refused(registered):
    with pytest.raises(TypeError, match="it has no dump"):
        plugins.register_loaderdumper(types.SimpleNamespace(__name__="x", check=bool, Loader=Point))
    with pytest.raises(ValueError, match="belongs to another"):
        plugins.register_loaderdumper(make_module("to_json"))
    with pytest.raises(ValueError, match="cannot name"):
        plugins.register_loaderdumper(make_module("a-b"))


def test_a_check_that_raises_is_passed_over_with_a_warning(db, registered):
    def check(obj):
        raise RuntimeError("boom")

    registered(make_module("broken_check", priority=1, check=check))
    with pytest.warns(BrokenPluginWarning, match="'broken_check' raised RuntimeError: boom"):
        db["k"] = 1
    assert db["k"] == 1


def test_a_check_that_answers_something_else_than_true_is_a_no(registered):
    registered(make_module("odd_check", priority=1, check=lambda obj: "yes"))
    assert plugins.choose(1)[0] == "to_json"


def test_a_describe_that_fails_costs_no_save(db, registered):
    def describe(obj):
        raise ValueError("no")

    registered(make_module(describe=describe))
    db["p"] = Point(1, 2)
    assert db.entry("p").describe["unknown"].startswith("describe failed")


def test_nobody_accepts(monkeypatch):
    monkeypatch.setattr(plugins, "_candidates", lambda: [plugins.Candidate(10, "to_json", ())])
    with pytest.raises(NoDumperError, match="asked were to_json"):
        plugins.choose(object())


def install(folder: Path, distribution: str, entry_points: str, **modules: str) -> None:
    """Lay down a distribution as pip would."""
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[isfdb.loaderdumpers]\n{entry_points}\n")
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(source))


def run(folder: Path, code: str, *options: str) -> str:
    prelude = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    command = [sys.executable, *options, "-c", prelude + textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout.strip()


GOOD = """
def check(obj): return isinstance(obj, set)
def dump(obj, savedir): return {"members": sorted(obj)}
class Loader:
    def __init__(self, members): self.members = members
    def get(self, savedir): return set(self.members)
"""


def test_plug_ins_of_other_distributions_are_found_and_broken_ones_named(tmp_path):
    install(tmp_path, "good-plugin", "set_to_json = good_plugin", good_plugin=GOOD)
    install(tmp_path, "bad-plugin", "never = bad_plugin\nmissing = not_there", bad_plugin="raise RuntimeError('at import')")
    code = """
        import warnings, isfdb
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            db = isfdb.open("results")
            db["s"] = {3, 1}
        print(db["s"], sorted(str(w.message).split("'")[1] for w in caught))
    """
    assert run(tmp_path, code) == "{1, 3} ['missing', 'never']"


def test_two_claims_to_one_name_name_both_packages(tmp_path):
    install(tmp_path, "first-plugin", "set_to_json = first_plugin", first_plugin=GOOD)
    install(tmp_path, "second-plugin", "set_to_json = second_plugin", second_plugin=GOOD)
    code = """
        import isfdb
        try:
            isfdb.open("results").set("s", {1}, dumper="set_to_json")
        except isfdb.errors.UnknownLoaderdumperError as error:
            print("first-plugin" in str(error) and "second-plugin" in str(error))
        isfdb.open("results")["k"] = 1
        print(isfdb.open("results")["k"])
    """
    assert run(tmp_path, code, "-W", "ignore").split() == ["True", "1"]


def test_what_is_announced_of_the_built_ins_is_what_they_say() -> None:
    import importlib
    import tomllib
    from pathlib import Path

    from loaderdumpers._facts import FACTS

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    modules = {name: importlib.import_module(path) for name, path in project["entry-points"]["isfdb.loaderdumpers"].items()}
    assert {name: plugins.facts_of(module) for name, module in modules.items()} == FACTS


def test_a_small_put_imports_no_loaderdumper_it_does_not_need() -> None:
    import subprocess
    import sys

    script = (
        "import sys; from isfdb import plugins\n"
        "assert plugins.choose({'a': 1})[0] == 'to_json'\n"
        "print(sorted(name for name in sys.modules if name.startswith('loaderdumpers.')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "['loaderdumpers._facts', 'loaderdumpers.to_json']"


def test_what_belongs_to_a_library_is_asked_once_that_was_imported() -> None:
    import subprocess
    import sys

    script = (
        "import sys; from isfdb import plugins\n"
        "plugins.choose(object)\n"
        "assert 'loaderdumpers.numpy_to_npy' not in sys.modules\n"
        "import numpy\n"
        "assert plugins.choose(numpy.zeros(1))[0] == 'numpy_to_npy'"
    )
    subprocess.run([sys.executable, "-c", script], timeout=60, check=True)


def test_a_package_announces_nothing_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata as metadata

    class Point:
        value = "stranger.facts:FACTS"

        def load(self) -> dict[str, None]:
            return {"to_json": None, "numpy_to_npy": None}

    monkeypatch.setattr(metadata, "entry_points", lambda group: [Point()] if group == plugins.FACTS_GROUP else [])
    assert plugins._announced() == {}


def test_facts_that_cannot_be_loaded_are_named_and_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata as metadata

    class Point:
        value = "broken.facts:FACTS"

        def load(self) -> None:
            raise ImportError("no such module")

    monkeypatch.setattr(metadata, "entry_points", lambda group: [Point()])
    with pytest.warns(BrokenPluginWarning, match=r"broken\.facts:FACTS announces cannot be used"):
        assert plugins._announced() == {}
