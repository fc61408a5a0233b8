"""``%isfdb`` in a real IPython."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import isfdb
from isfdb.database import Database
from isfdb.entry import Entry


@pytest.fixture
def magic(shell: Any) -> Any:
    """An IPython with the extension loaded and a database of two keys in the current folder."""
    with isfdb.open("./results") as db:
        db["rates"] = [1, 2, 3]
        db["cells/L5PT"] = 4
    shell.run_line_magic("load_ext", "isfdb")
    return shell


def run(shell: Any, code: str) -> Any:
    """Run a cell; return its value, or raise what it raised."""
    return shell.run_cell(code, store_history=True)


def value(shell: Any, code: str) -> Any:
    result = run(shell, code)
    assert result.success, result.error_in_exec
    return result.result


def test_loading_twice_is_loading_once_and_unloading_undoes_all(shell: Any):
    before = {kind: set(magics) for kind, magics in shell.magics_manager.magics.items()}
    names = set(shell.user_ns)
    for _ in range(2):
        shell.run_line_magic("load_ext", "isfdb")
        shell.run_line_magic("reload_ext", "isfdb")
    assert "isfdb" in shell.magics_manager.magics["line"]
    shell.run_line_magic("unload_ext", "isfdb")
    assert {kind: set(magics) for kind, magics in shell.magics_manager.magics.items()} == before
    assert "IsfdbMagics" not in shell.magics_manager.registry
    assert not shell.Completer.custom_matchers
    assert "isfdb" not in {function.__module__.partition(".")[0] for function in shell.input_transformers_cleanup}
    assert set(shell.user_ns) == names


def test_open_binds_the_database_to_db_and_returns_it(magic: Any):
    opened = value(magic, "%isfdb open ./results")
    assert isinstance(opened, Database)
    assert magic.user_ns["db"] is opened


def test_open_as_another_name_read_only(magic: Any):
    value(magic, "%isfdb open ./results --as mine --mode r")
    assert magic.user_ns["mine"].read_only
    assert "db" not in magic.user_ns


def test_ls_show_log_and_verify_return_objects(magic: Any):
    value(magic, "%isfdb open ./results")
    tree = value(magic, "%isfdb ls")
    assert "L5PT" in tree
    assert "<details" in tree._repr_mimebundle_()["text/html"]
    entry = value(magic, "x = %isfdb show cells/L5PT\nx")
    assert isinstance(entry, Entry)
    assert entry.describe["type"] == "int"
    history = value(magic, "%isfdb log --cells")
    assert {version.summary.key for version in history} == {"rates", "cells/L5PT"}
    assert history.sessions
    assert not value(magic, "%isfdb verify")
    assert not value(magic, "%isfdb verify rates")


def test_show_gives_a_preview_on_request(magic: Any):
    shown = value(magic, "%isfdb show ./results rates --preview")
    assert (shown.kind, shown.text) == ("text", "[1, 2, 3]")


def test_browse_shows_a_database_a_key_or_all_databases(magic: Any):
    value(magic, "%isfdb open ./results")
    assert value(magic, "b = %isfdb browse\nb").selected is None
    assert value(magic, "b = %isfdb browse rates\nb").entry.key == "rates"
    assert value(magic, "b = %isfdb browse cells\nb").database.prefix == "cells"
    assert "RegistryBrowser" in type(value(magic, "b = %isfdb browse --everywhere\nb")).__name__


def test_audit_takes_a_database_a_key_and_options(magic: Any):
    value(magic, "%isfdb open ./results")
    audit = value(magic, "%isfdb audit --no-replay")
    assert {row.key for row in audit.rows} == {"rates", "cells/L5PT"} and audit.n_replays == 0
    assert "explained" in audit._repr_mimebundle_()["text/html"]
    assert [row.key for row in value(magic, "%isfdb audit rates --no-replay").rows] == ["rates"]
    sampled = value(magic, "%isfdb audit --only cells --sample 1 --trust --timeout 100")
    assert [(row.key, row.label) for row in sampled.rows] == [("cells/L5PT", "not runnable (because: no code)")]  # stored by this test


def test_report_writes_a_page_and_shows_a_link_to_it(magic: Any, tmp_path_factory: Any):
    value(magic, "%isfdb open ./results")
    here = value(magic, "%isfdb report")
    assert here == os.path.abspath("results-report.html") and "rates" in Path(here).read_text()
    assert 'href="results-report.html"' in here._repr_mimebundle_()["text/html"]
    pages = tmp_path_factory.mktemp("pages")
    elsewhere = value(magic, f"%isfdb report ./results -o '{pages}/a <b> page.html'")
    assert Path(elsewhere).is_file()
    assert 'href="file:///' in elsewhere.html and "a%20%3Cb%3E%20page.html" in elsewhere.html and "<b>" not in elsewhere.html


def test_a_cell_is_attributed_to_what_it_stored(magic: Any):
    value(magic, "%isfdb open ./results")
    value(magic, "db['answer'] = 42")
    assert "db['answer'] = 42" in value(magic, "%isfdb show answer").cell.source
    assert "stored answer@1" in repr(value(magic, "%isfdb log answer --cells"))


def test_the_database_may_be_a_variable_a_path_or_the_one_opened_last(magic: Any):
    value(magic, "import isfdb; mine = isfdb.open('./results', 'r')")
    assert value(magic, "%isfdb show mine rates").key == "rates"
    assert value(magic, "%isfdb show ./results rates").key == "rates"
    assert "rates" in value(magic, "%isfdb ls mine")
    assert len(value(magic, "%isfdb log mine rates")) == 1
    assert "L5PT" in value(magic, "%isfdb ls mine cells")


def test_variables_and_expressions_are_expanded(magic: Any):
    value(magic, "where, key = './results', 'rates'")
    value(magic, "%isfdb open $where")
    assert value(magic, "%isfdb show {key.lower()}").key == "rates"


def test_a_key_with_spaces_goes_in_quotes(magic: Any):
    value(magic, "%isfdb open ./results")
    value(magic, "db['two words'] = 1")
    assert value(magic, "%isfdb show 'two words'").key == "two words"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("destroy", "has no verb 'destroy'. It has open, ls"),
        ("vrify", "Did you mean verify?"),
        ("audit --no-repla", "Did you mean --no-replay? Help with examples: %isfdb audit --help"),
        ("find --stal", "has no option --stal. Did you mean --stale?"),
        ("registry fnd", "invalid choice: 'fnd'"),
        ("registry add", "registry add takes the folder of a database"),
        ("registry list all", "takes nothing more"),
        ("show 'rates", "cannot be split into words"),
        ("show ./results $nothing", "there is no variable 'nothing'. Run the cell that defines it"),
        ("show ./results {1 /}", "{1 /} could not be evaluated"),
        ("open $nothing", "there is no variable 'nothing'"),
        ("trust", "say which database is meant"),
        ("report ./results --audit x", "is no variable that holds an audit"),
        ("ls", "no database is open here. Open one first"),
        ("show", "arguments are required"),
        ("show ./results rats", "no key 'rats'"),
        ("ls ./results rates", "is a key, not a database"),
        ("ls ./nowhere", "no database at"),
        ("open ./results --mode q", "invalid choice"),
        ("open ./results --as 1x", "no name of a variable"),
        ("report a b", "one database is meant"),
        ("log a b c", "at most a database and a key"),
    ],
)
def test_an_error_is_one_message_without_a_traceback(magic: Any, line: str, message: str, capsys):
    result = run(magic, f"%isfdb {line}")
    captured = capsys.readouterr()
    shown = captured.out + captured.err
    assert not result.success
    assert message in shown
    assert "Traceback" not in shown
    assert "magics.py" not in shown


def test_the_question_mark_shows_help_with_examples(magic: Any, capsys):
    run(magic, "%isfdb?")
    shown = capsys.readouterr().out
    assert "%isfdb open results" in shown
    assert "Examples" in shown


@pytest.mark.parametrize("line", ["%isfdb audit?", "%isfdb audit --help", "%isfdb audit -h"])
def test_a_verb_tells_its_options_with_examples(magic: Any, line: str):
    shown = value(magic, line)
    assert "--no-replay" in shown
    assert "examples:\n  %isfdb audit" in shown


@pytest.mark.parametrize("line", ["%isfdb", "%isfdb help"])
def test_without_a_verb_all_are_shown(magic: Any, line: str):
    assert "%isfdb lineage" in value(magic, line)


def test_the_magic_leaves_no_other_names_behind(magic: Any):
    before = set(magic.user_ns)
    value(magic, "%isfdb open ./results")
    value(magic, "%isfdb ls")
    value(magic, "%isfdb verify")
    left = {name for name in set(magic.user_ns) - before if not name.startswith("_")}
    assert left == {"db"}


def test_find_takes_a_query_as_it_is_written(magic: Any):
    run(magic, "%isfdb open ./results")
    assert value(magic, "%isfdb find type:list since:2 days").keys == ("rates",)
    assert value(magic, '%isfdb find "L5PT" *cells*').keys == ("cells/L5PT",)
    assert value(magic, "%isfdb find db *rates").keys == ("rates",)
    assert "cells/L5PT" in value(magic, "%isfdb find --everywhere *L5PT").keys


def test_find_without_an_open_database_opens_one(magic: Any):
    assert value(magic, "%isfdb find ./results *rates").keys == ("rates",)


def test_lineage_is_a_picture(magic: Any):
    value(magic, "%isfdb open ./results")
    found = value(magic, "%isfdb lineage rates --direction both --depth 2")
    assert found.start.label == "rates v1"
    assert "<svg" in found._repr_mimebundle_()["text/html"]
    assert "cells/L5PT v1" in str(value(magic, "%isfdb lineage ./results cells/L5PT"))


def test_export_writes_what_the_name_says_and_returns_what_it_did(magic: Any, tmp_path: Any):
    exported = value(magic, f"%isfdb open ./results\n%isfdb export rates -o {tmp_path}/rates.zip --no-data")
    assert (exported.format, exported.n_keys, exported.is_complete) == ("bundle", 1, True)
    assert value(magic, f"%isfdb export -o {tmp_path}/all.json").format == "prov"


def test_diff_compares_keys_of_the_database_that_is_open(magic: Any):
    value(magic, "%isfdb open ./results")
    value(magic, 'db["rates"] = [1, 2, 4]')
    found = value(magic, "%isfdb diff rates")
    assert (found.names, found.subject, found.status) == (("v1", "v2"), "rates", "different")
    assert value(magic, "%isfdb diff rates@1 rates@2 --atol 1").status == "close"
    assert value(magic, "%isfdb diff db rates cells/L5PT").names == ("rates@2", "cells/L5PT@1")


def test_the_code_of_two_cells_is_compared(magic: Any):
    value(magic, "%isfdb open ./results")
    value(magic, "x = 3")
    value(magic, "x = x + 1\ndb['made'] = x")
    value(magic, "x = 3")
    value(magic, "x = x + 2\ndb['made'] = x")
    found = value(magic, "%isfdb diff made")
    axis = found.axis("code")
    assert axis.status == "differs"
    assert "-x = x + 1" in axis.text
    assert "+x = x + 2" in axis.text
    assert found.because.startswith("What may explain it: code (the ")


def test_collect_seal_and_verify_against_the_seal(magic: Any):
    value(magic, "%isfdb open ./results")
    value(magic, 'db["rates"] = 5')
    assert value(magic, "%isfdb collect --dry-run --keep 1") is not None
    sealed = value(magic, "%isfdb seal")
    assert not value(magic, f"%isfdb verify --against {sealed.head}")
    value(magic, "%isfdb seal ./results")


def test_the_registry_is_asked_and_changed(magic: Any):
    value(magic, "%isfdb open ./results")
    assert "mine" in str(value(magic, "%isfdb registry add db --name mine"))
    assert "mine" in str(value(magic, "%isfdb registry"))
    assert "mine" in str(value(magic, "%isfdb registry find mine"))
    assert value(magic, "%isfdb show mine rates").key == "rates"
    assert "mine" in str(value(magic, "%isfdb registry forget mine"))


def test_a_database_is_trusted_and_no_longer(magic: Any):
    assert "is trusted" in value(magic, "%isfdb trust ./results")
    assert "results" in value(magic, "%isfdb trust --list")
    assert "no longer" in value(magic, "%isfdb trust ./results --remove")
    assert value(magic, "%isfdb trust --list") == "no database is trusted"


def test_a_report_of_an_audit_that_a_variable_holds(magic: Any):
    value(magic, "%isfdb open ./results")
    value(magic, "found = %isfdb audit --no-replay")
    assert Path(value(magic, "%isfdb report --audit found")).is_file()


def test_keys_with_braces_can_be_written(magic: Any):
    value(magic, "%isfdb open ./results")
    value(magic, "db['a{b}'] = 1")
    assert value(magic, "%isfdb show a{{b}}").key == "a{b}"
    assert value(magic, "%isfdb show a{b}").key == "a{b}"  # there is no b: IPython leaves the line as it is
