"""What the Tab key offers in a real IPython: through its completer, as front ends ask it."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter, rectify_completions

import isfdb


@pytest.fixture
def magic(shell: Any, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An IPython with the extension loaded and a database in the variable db."""
    monkeypatch.setenv("ISFDB_DATA_FOLDER", str(tmp_path_factory.mktemp("data")))  # a registry that knows no other
    db = isfdb.open("./results")
    for key in ("rates", "cells/L5PT", "cells/deep/x", "two words", "it's", "a=b,c"):
        db[key] = 1
    isfdb.registry.add("results", name="known-here")
    shell.run_line_magic("load_ext", "isfdb")
    shell.user_ns.update(db=db, mine=db, text="results")
    return shell


def offered(shell: Any, text: str, behind: str = "") -> list[str]:
    """Return the lines that choosing one of the offers would leave."""
    with provisionalcompleter():
        found = list(rectify_completions(text, shell.Completer.completions(text + behind, len(text))))
    return [text[: one.start] + one.text + text[one.end :] for one in found]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("%isfdb se", ["%isfdb seal"]),
        ("x = %isfdb li", ["x = %isfdb lineage"]),
        ("%isfdb audit --no", ["%isfdb audit --no-replay", "%isfdb audit --no-verify"]),
        ("%isfdb audit --level s", ["%isfdb audit --level statements"]),
        ("%isfdb show ra", ["%isfdb show rates"]),
        ("%isfdb show ce", ["%isfdb show cells/"]),
        ("%isfdb show cells/", ["%isfdb show cells/L5PT", "%isfdb show cells/deep/"]),
        ("%isfdb show cells/deep/", ["%isfdb show cells/deep/x"]),
        ("%isfdb show tw", ["%isfdb show 'two words'"]),
        ("%isfdb show 'two w", ["%isfdb show 'two words'"]),
        ("%isfdb show it", ['%isfdb show "it\'s"']),
        ("%isfdb show a=b", ["%isfdb show a=b,c"]),
        ("%isfdb show mi", ["%isfdb show mine"]),
        ("%isfdb show mine r", ["%isfdb show mine rates"]),
        ("%isfdb show ./results r", ["%isfdb show ./results rates"]),
        ("%isfdb show results r", ["%isfdb show results rates"]),
        ("%isfdb log --cells r", ["%isfdb log --cells rates"]),
        ("%isfdb log -n 3 ra", ["%isfdb log -n 3 rates"]),
        ("%isfdb diff rates r", ["%isfdb diff rates rates"]),
        ("%isfdb open res", ["%isfdb open results/"]),
        ("%isfdb open kn", ["%isfdb open known-here"]),
        ("%isfdb registry fo", ["%isfdb registry forget"]),
        ("%isfdb registry forget kn", ["%isfdb registry forget known-here"]),
        ("%isfdb whence fig", ["%isfdb whence figure.png"]),
        ("%isfdb report -o fig", ["%isfdb report -o figure.png"]),
        ('db["ra', ['db["rates']),
        ('db["cells/', ['db["cells/L5PT', 'db["cells/deep/']),
        ('db["cells"]["', ['db["cells"]["L5PT', 'db["cells"]["deep/']),
        ("db['cells'][", ["db['cells']['L5PT'", "db['cells']['deep/"]),
        ("x = db['it", ["x = db['it\\'s"]),
        ('db.entry("tw', ['db.entry("two words']),
        ('db.attributes["ra', ['db.attributes["rates']),
        ('isfdb.code(db, "ra', ['isfdb.code(db, "rates']),
        ('isfdb.replay(db["cells"], "L', ['isfdb.replay(db["cells"], "L5PT']),
    ],
)
def test_what_fits_is_offered_and_nothing_else(magic: Any, text: str, lines: list[str], tmp_path: Any):
    (tmp_path / "figure.png").touch()
    assert offered(magic, text) == lines


def test_verbs_come_first_in_the_order_of_the_help(magic: Any):
    from isfdb.jupyter.verbs import VERBS

    assert offered(magic, "%isfdb ") == [f"%isfdb {verb}" for verb in VERBS]


def test_a_quote_that_the_front_end_wrote_is_not_written_twice(magic: Any):
    assert offered(magic, "%isfdb show 'two", behind="'") == ["%isfdb show 'two words"]


@pytest.mark.parametrize("text", ["%isfdb show nope/", 'db["nope"]["', 'db["rates"]["', '%isfdb nope "', "%isfdb show ./nowhere x", 'x["'])
def test_what_is_not_there_offers_none_of_ours_and_raises_nothing(magic: Any, text: str, capsys):
    assert not [line for line in offered(magic, text) if line.removeprefix(text).startswith(("rates", "cells", "L5PT"))]
    assert not capsys.readouterr().err


def test_a_database_that_is_gone_raises_nothing(magic: Any, tmp_path: Any, capsys):
    (tmp_path / "results").rename(tmp_path / "away")
    assert not [line for line in offered(magic, 'db["ra') if line.endswith("rates")]
    assert not [line for line in offered(magic, "%isfdb show ra") if line.endswith("rates")]
    assert not capsys.readouterr().err


def test_no_value_is_read(magic: Any, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise AssertionError("a value was read")

    monkeypatch.setattr(
        isfdb.Database, "_read", lambda self, names, version, options: self._sub("/".join(names)) if self.is_sub_db(names) else refuse()
    )
    assert offered(magic, 'db["cells"]["') == ['db["cells"]["L5PT', 'db["cells"]["deep/']
    assert offered(magic, 'db["rates"]["ra') == []


def test_many_keys_are_listed_and_not_looked_into(magic: Any, tmp_path: Any):
    for number in range(2000):
        (tmp_path / "results" / f"k{number:06}.key").mkdir()  # nothing is in them: who looks will fail
    assert len(offered(magic, 'db["k')) == 500
    assert offered(magic, "%isfdb show k00199")[0] == "%isfdb show k001990"


def test_without_the_extension_keys_are_offered_too(magic: Any):
    magic.run_line_magic("unload_ext", "isfdb")
    assert offered(magic, 'db["ra') == ['db["rates']
    assert offered(magic, 'db["ce') == ['db["cells']
    assert offered(magic, 'db["cells/') == ['db["cells/L5PT', 'db["cells/deep']
    assert offered(magic, 'db["cells/deep/') == ['db["cells/deep/x']
    assert not [line for line in offered(magic, 'db["rates/') if "/L5PT" in line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('db.entry("rates").ver', 'db.entry("rates").versions'),
        ('isfdb.open("x").ent', 'isfdb.open("x").entry'),
        ('isfdb.code(db, "rates").to_note', 'isfdb.code(db, "rates").to_notebook'),
        ("isfdb.verify(db).to_j", "isfdb.verify(db).to_json"),
        ('db.versions("rates")[0].dig', 'db.versions("rates")[0].digest'),
    ],
)
def test_annotations_tell_what_a_call_gives(magic: Any, text: str, line: str):
    magic.run_cell("import isfdb")
    assert line in offered(magic, text)
