"""The browser of a database and that of the registry, driven through their controls; what other processes do is followed."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances

import isfdb
from isfdb.errors import KeyKindError, KeyNotFoundError
from isfdb.jupyter.browsing.tabs import TABS
from isfdb.replaying.replay_records import keep_verdict
from isfdb.replaying.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def filled(db):
    """A database with keys on three levels."""
    db["rates"] = np.arange(12.0)
    db["name"] = "L5PT"
    db["cells/L5PT"] = 4
    db["cells/deep/trace"] = [1.5, 2.5]
    return db


@pytest.fixture
def browser(filled) -> Iterator[Any]:
    made = filled.browse()
    yield made
    made.close()


def rows(browser) -> list[str]:
    """Return what stands on the rows."""
    return [button.description for button in browser._listed._rows.children]


def click(browser, words: str) -> None:
    next(button for button in browser._listed._rows.children if button.description == words).click()


def heading(browser) -> str:
    return browser._opened._heading.value.rpartition("</style>")[2]


def said(notice) -> str:
    return notice.widget.value.rpartition("</style>")[2]


def pick_tab(browser, title: str) -> Any:
    """Choose a tab, and return what it holds."""
    number = [name for name, _ in TABS].index(title)
    browser._opened._tabs.selected_index = number
    return browser._opened._tabs.children[number]


def texts_in(widget) -> str:
    """Return all HTML in a widget."""
    own = widget.value if isinstance(getattr(widget, "value", None), str) else ""
    return own + "".join([texts_in(child) for child in getattr(widget, "children", ())])


async def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.05)


# Looking around ------------------------------------------------------------------------------------------------------------------------


def test_sub_databases_open_and_close(browser):
    assert rows(browser) == ["▸ cells/", "name", "rates"]
    click(browser, "▸ cells/")
    assert rows(browser) == ["▾ cells/", "L5PT", "▸ deep/", "name", "rates"]
    assert browser._listed._rows.children[1].layout.padding != browser._listed._rows.children[0].layout.padding
    click(browser, "▸ deep/")
    assert "trace" in rows(browser)
    click(browser, "▾ cells/")
    assert rows(browser) == ["▸ cells/", "name", "rates"]


def test_every_control_says_what_it_does(browser):
    assert all(button.tooltip for button in browser._listed._rows.children)
    assert [control.description for control in (browser._search, *browser._filters.values())] == ["Search", "Type", "Verdict", "Risk"]
    assert browser._search.tooltip and all(choice.tooltip for choice in browser._filters.values())


def test_a_click_on_a_key_shows_what_it_is(browser, filled):
    assert browser.selected is None and browser.entry is None
    click(browser, "rates")
    assert browser.selected == "rates" and browser.entry.key == "rates"
    assert "ndarray 12 float64" in heading(browser) and filled.entry("rates").link in heading(browser)
    assert "isfdb-chosen" in browser._listed._rows.children[rows(browser).index("rates")]._dom_classes


def test_tabs_are_made_when_they_are_looked_at(browser):
    click(browser, "rates")
    holders = browser._opened._tabs.children
    assert holders[0].children and not any(holder.children for holder in holders[1:])
    made = pick_tab(browser, "Code").children
    assert made and pick_tab(browser, "Preview").children and pick_tab(browser, "Code").children == made
    click(browser, "name")
    assert pick_tab(browser, "Code").children != made


def test_code_can_choose_the_key_and_go_on(browser):
    seen = []
    browser.observe(lambda change: seen.append(change["new"]), "selected")
    browser.selected = "cells/deep/trace"
    assert rows(browser) == ["▾ cells/", "L5PT", "▾ deep/", "trace", "name", "rates"]
    assert browser.entry.describe["type"] == "list" and seen == ["cells/deep/trace"]
    browser.selected = None
    assert "Choose a key" in heading(browser)
    with pytest.raises(KeyNotFoundError, match="no key 'absent'"):
        browser.selected = "absent"
    with pytest.raises(KeyKindError, match="sub-database"):
        browser.selected = "cells"
    assert browser.selected is None


def test_a_sub_database_and_a_read_only_handle_can_be_browsed(filled):
    alone = isfdb.open(filled.path, "r")["cells"].browse()
    alone.selected = "deep/trace"
    assert rows(alone) == ["L5PT", "▾ deep/", "trace"] and "read only" in texts_in(alone._title)
    alone._search.value = "trace"
    assert rows(alone) == ["deep/trace"]
    alone.close()


def test_many_keys_are_shown_a_page_at_a_time(db):
    for number in range(2345):  # no more than the names is read
        os.mkdir(f"{db.path}/item {number:05}.key")
    before = len(_instances)
    browser = db.browse()
    assert len(_instances) - before < 250
    assert len(rows(browser)) == 100 and "1 to 100 of 2,345" in browser._listed._count.value
    browser._listed._on.click()
    assert rows(browser)[0] == "item 00100"
    for _ in range(50):
        browser._listed._on.click()
    assert rows(browser)[-1] == "item 02344" and len(rows(browser)) == 45 and browser._listed._on.disabled
    browser._listed._back.click()
    assert rows(browser)[0] == "item 02200"
    browser.close()


# Searching -----------------------------------------------------------------------------------------------------------------------------


def test_plain_words_and_patterns_are_looked_for_in_keys(browser):
    for query, expected in (
        ("l5", ["cells/L5PT"]),
        ("cells trace", ["cells/deep/trace"]),
        ("*a*e*", ["cells/deep/trace", "name", "rates"]),
    ):
        browser._search.value = query
        assert rows(browser) == expected
    click(browser, "rates")
    assert browser.selected == "rates"
    browser._search.value = ""
    assert rows(browser) == ["▸ cells/", "name", "rates"]


def test_conditions_are_those_of_find(browser, filled):
    filled.attributes["rates"]["unit"] = "Hz"
    browser._search.value = "unit=Hz"
    assert rows(browser) == ["rates"] and "unit" in browser._listed._rows.children[0].tooltip
    browser._search.value = "type:array -name"
    assert rows(browser) == ["rates"] and "1 key fits" in said(browser._said)


def test_an_error_of_the_query_stands_in_its_place(browser):
    browser._search.value = "rates"
    browser._search.value = "user:"
    assert "lacks a value" in said(browser._said) and rows(browser) == ["rates"]
    browser._search.value = "nowhere"
    assert rows(browser) == [] and "text:nowhere" in said(browser._said)


def test_many_records_are_read_when_enter_is_pressed(browser, monkeypatch):
    monkeypatch.setattr("isfdb.jupyter.browsing.browser.MOST_READ_TYPING", 3)
    browser._search.value = "type:array"
    assert "Press Enter" in said(browser._said) and rows(browser) == ["▸ cells/", "name", "rates"]
    browser._search._handle_custom_msg({"event": "submit"}, [])  # as front ends say that Enter was pressed
    assert rows(browser) == ["rates"] and "1 key fits" in said(browser._said)
    browser._search.value = "trace"
    assert rows(browser) == ["cells/deep/trace"]


def test_filters_by_type_risk_and_verdict(browser, filled):
    browser._filters["type"].value = "arrays"
    assert rows(browser) == ["rates"]
    browser._filters["type"].value = "numbers"
    assert rows(browser) == ["cells/L5PT"]
    browser._filters["type"].value = "any type"
    version = filled.entry("rates").newest
    assert not keep_verdict(filled._storage, version.record, Verdict("rates", 1, version.link, "different"))
    browser._filters["verdict"].value = "different"
    assert rows(browser) == ["rates"]
    browser._filters["verdict"].value = "not replayed"
    assert rows(browser) == ["cells/L5PT", "cells/deep/trace", "name"]
    filled["rates"] = 2  # the verdict was about the version before
    browser._filters["verdict"].value = "different"
    assert rows(browser) == []
    browser._filters["verdict"].value = "any verdict"
    with_risk, without = [], []
    for kind, found in (("any risk", with_risk), ("no risk known", without)):
        browser._filters["risk"].value = kind
        found += rows(browser)
    assert sorted(with_risk + without) == ["cells/L5PT", "cells/deep/trace", "name", "rates"]


# Following -----------------------------------------------------------------------------------------------------------------------------

_OTHER = """
import isfdb, sys
db = isfdb.open(sys.argv[1])
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


@pytest.fixture
def elsewhere(filled) -> Iterator[Callable[[str], None]]:
    """Return what has another process run a line with `db`."""
    process = subprocess.Popen(
        [sys.executable, "-c", _OTHER, str(filled.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )

    def run(line: str) -> None:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(line + "\n")
        assert process.stdout.readline() == "done\n"

    yield run
    process.communicate(timeout=30)


def test_what_another_process_does_is_followed(filled, elsewhere):
    async def follow() -> None:
        browser = filled.browse()
        browser._repr_mimebundle_()
        browser.selected = "cells/deep/trace"
        elsewhere("db['new'] = 1; db['cells/other'] = 2")
        await until(lambda: "new" in rows(browser) and "other" in rows(browser))
        elsewhere("db['cells/deep/trace'] = 'twelve chars'")
        await until(lambda: "str of 12" in heading(browser))
        elsewhere("db.attributes['cells/deep/trace']['unit'] = 'mV'")
        elsewhere("db.rename('cells', 'neurons')")
        await until(lambda: browser.selected == "neurons/deep/trace" and "▾ neurons/" in rows(browser))
        elsewhere("db.rename('neurons/deep/trace', 'neurons/course')")
        await until(lambda: browser.selected == "neurons/course" and "course" in rows(browser))
        elsewhere("del db['neurons/course']")
        await until(lambda: browser.selected is None)
        assert "course" not in rows(browser) and "deleted or renamed" in heading(browser)
        browser._search.value = "ew"
        assert rows(browser) == ["new"]
        elsewhere("db['newer'] = 3")
        await until(lambda: rows(browser) == ["new", "newer"])
        assert not said(browser._notice)
        browser.close()

    asyncio.run(follow())


def test_a_tab_that_changes_something_is_not_made_anew(browser, filled):
    click(browser, "rates")
    made = pick_tab(browser, "Attributes").children
    filled.attributes["rates"]["unit"] = "Hz"
    browser._follow()  # the timer comes between what a tab does in its thread and its telling of it
    browser._opened._changed()
    browser._follow()
    assert pick_tab(browser, "Attributes").children == made
    filled.attributes["rates"]["unit"] = "mV"  # another process, which tells nobody
    browser._follow()
    browser._follow()
    assert pick_tab(browser, "Attributes").children != made


def test_nothing_is_left_running(filled):
    threads = set(threading.enumerate())

    async def follow() -> None:
        browser = filled.browse()
        assert not browser._live.is_running  # nobody looks yet
        browser._repr_mimebundle_()
        assert browser._live.is_running and len(asyncio.all_tasks()) == 1
        browser._shown_until = 0.0  # it was shown long ago, and no front end has a view of it
        await until(lambda: not browser._live.is_running)
        browser._view_count = 1  # a page with it was opened
        assert browser._live.is_running
        browser.close()
        assert not browser._live.is_running
        click_after = browser._listed._buttons[0]
        click_after.click()
        assert not browser._live.is_running

    asyncio.run(follow())
    assert set(threading.enumerate()) <= threads


def test_without_an_event_loop_a_click_on_refresh_looks_again(browser, filled):
    filled["new"] = 1
    assert "new" not in rows(browser)
    browser.refresh()
    assert "new" in rows(browser)


def test_closing_leaves_no_widget(filled):
    filled.browse().close()  # what ipywidgets makes once
    before = set(_instances)
    browser = filled.browse()
    click(browser, "▸ cells/")
    browser._search.value = "nothing that is there"
    browser.close()
    assert set(_instances) == before and browser.comm is None
    assert repr(browser).startswith("<Browser of")


# What is wrong -------------------------------------------------------------------------------------------------------------------------


def test_an_error_in_a_callback_is_told_in_the_widget(browser, filled, tmp_path: Path):
    shutil.move(filled.path, tmp_path / "elsewhere")
    browser._listed._rows.children[0].click()
    browser.refresh()
    assert "is gone" in said(browser._notice) and "Traceback" not in said(browser._notice)
    assert "is gone" in browser._repr_mimebundle_()["text/plain"]
    shutil.move(tmp_path / "elsewhere", filled.path)
    browser.refresh()
    assert not said(browser._notice) and rows(browser) == ["▸ cells/", "name", "rates"]


def test_a_key_deleted_before_the_click_is_told(browser, filled):
    del filled["rates"]
    click(browser, "rates")
    assert "there is no key" in said(browser._notice) and browser.selected is None


def test_a_damaged_record_hides_nothing_else(browser, filled):
    (filled.entry("rates").path / "metadata.json").write_text("{")
    click(browser, "rates")
    assert "i-bad" in browser._opened._heading.value + said(browser._notice)
    click(browser, "name")
    assert browser.selected == "name" and "str of 4" in heading(browser)


def test_nothing_in_a_key_is_taken_for_html(db):
    key = "<img src=x onerror=alert(1)>\x1b[31m\u202e"
    db[key] = "<script>alert(1)</script>"
    browser = db.browse()
    browser._listed._rows.children[0].click()
    assert browser.selected == key
    assert "<img" not in texts_in(browser) and "<script" not in texts_in(browser) and "\x1b" not in texts_in(browser)
    assert "\u202e" not in browser._listed._rows.children[0].description
    browser.close()


# As it is shown, and what is recorded --------------------------------------------------------------------------------------------------


def test_the_twin_is_the_databases_own_text_and_html(browser, filled):
    forms = browser._repr_mimebundle_()
    assert forms["application/vnd.jupyter.widget-view+json"]["model_id"] == browser.model_id
    assert {kind: forms[kind] for kind in ("text/plain", "text/html")} == filled._repr_mimebundle_()


def test_a_terminal_shows_the_tree(shell: Any, capsys):
    run = shell.run_cell("import isfdb\ndb = isfdb.open('results')\ndb['cells/L5PT'] = 4\ndb.browse()")
    assert run.success
    printed = capsys.readouterr().out
    assert "L5PT" in printed and "cells/" in printed and "VBox" not in printed


def test_looking_is_no_reading(shell: Any):
    assert shell.run_cell("import isfdb\ndb = isfdb.open('results')\ndb['seen'] = [1, 2]\ndb['read'] = 3", store_history=True).success
    look = "browser = db.browse()\nbrowser.selected = 'seen'\nbrowser._search.value = 'type:list'\nbrowser._listed._buttons[0].click()\n"
    assert shell.run_cell(f"{look}db['made'] = db['read'] + 1\nbrowser.close()", store_history=True).success
    db = shell.user_ns["db"]
    assert [str(one.link).rpartition("/")[2] for one in db.entry("made").inputs] == ["read@1"]


def test_a_kernel_tells_its_front_end_what_another_process_stored(tmp_path: Path):
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(cwd=str(tmp_path), extra_arguments=["--HistoryManager.enabled=False"])
    try:
        client.execute("import isfdb\ndb = isfdb.open('results')\ndb['early'] = 1\ndb.browse()", reply=True, timeout=60)
        with isfdb.open(tmp_path / "results") as db:
            db["stored elsewhere"] = 2
        told = ""
        end = time.monotonic() + 30
        while "stored elsewhere" not in told:
            assert time.monotonic() < end
            message = client.get_iopub_msg(timeout=30)
            told = str(message["content"].get("data", {}).get("state", {}).get("description", ""))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


# All databases -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def known(tmp_path: Path, monkeypatch) -> Iterator[Any]:
    """A browser of a registry of three databases, one of which is missing."""
    monkeypatch.setenv("ISFDB_REGISTRY", str(tmp_path / "registry.sqlite"))
    for name in ("first", "second", "lost"):
        with isfdb.open(tmp_path / name) as db:
            db[f"{name} rates"] = [1, 2]
            db["cells/L5PT"] = 3
    shutil.rmtree(tmp_path / "lost")
    made = isfdb.registry.browse()
    yield made
    made.close()


def lines(known) -> dict[str, tuple[bool, str]]:
    """Return, by name, whether a database can be opened, and what is said about it."""
    shown = [line.children for line in known._databases._box.children]
    return {button.description: (not button.disabled, facts.value.rpartition("</style>")[2]) for button, facts in shown}


def test_all_databases_are_listed_with_what_is_known_of_them(known, tmp_path: Path):
    found = lines(known)
    assert sorted(found) == ["first", "lost", "second"] and list(found)[-1] == "lost"  # what is missing comes last
    assert found["first"][0] and "2 names" in found["first"][1] and str(tmp_path / "first") in found["first"][1]
    assert not found["lost"][0] and "missing" in found["lost"][1] and "1 missing" in texts_in(known._title)
    known._name.value = "sec"
    assert list(lines(known)) == ["second"]
    assert "second" in known._repr_mimebundle_()["text/plain"] and "<table" in known._repr_mimebundle_()["text/html"]


def test_a_database_is_opened_in_place_for_reading(known):
    button = next(line.children[0] for line in known._databases._box.children if line.children[0].description == "first")
    button.click()
    assert rows(known.browser) == ["▸ cells/", "first rates"] and known.browser.database.read_only
    assert known._list.layout.display == "none"
    known._place.children[0].click()
    assert known.browser is None and known._list.layout.display == ""


def test_a_search_goes_over_all_databases(known):
    known._query.value = "key:rates"
    assert "2 hits" in said(known._said) and "not searched" in said(known._said)
    found = {button.description: button for button in known._found._rows.children}
    assert set(found) == {"first rates — first", "second rates — second"}
    found["second rates — second"].click()
    assert known.browser.database.name == "second" and known.browser.selected == "second rates"
    known.back()
    known._query.value = "size>"
    assert "lacks a value" in said(known._said)


def test_a_database_that_is_opened_elsewhere_joins_the_list(known, tmp_path: Path):
    async def follow() -> None:
        known._repr_mimebundle_()
        with isfdb.open(tmp_path / "third") as db:
            db["x"] = 1
        await until(lambda: "third" in lines(known))

    asyncio.run(follow())
