"""The pages of ``isfdb serve`` in a real browser: nothing hostile runs, everybody can use them, and a link leads in from anywhere."""

from __future__ import annotations

import numpy as np
import pytest

from tests.browser.hostile import HOSTILE, fill, key_of
from tests.unit.serving.visitors import serving

pytestmark = pytest.mark.browser

#: In both themes and widths; the others have no more than tables.
LOOKED_AT = ("overview", "array", "frame", "described", "diff", "lineage", "help", "session")
OUR_FORM = '<form class="s-form"'


@pytest.fixture
def served(db, request, page):
    """A hostile database that is served, its link opened in the browser; gives the addresses of its pages."""
    fill(db, request)
    for number in range(2):
        db["array"] = np.linspace(0, 1, 200).reshape(20, 10) ** (number + 1)
    db[key_of(f"made {HOSTILE[0]}")] = db["array"].sum()
    with serving(db) as visitor:
        page.goto(visitor.server.url)
        to = visitor.server.site.addresses(db.id)
        origin = f"http://127.0.0.1:{visitor.server.port}"
        yield {
            "overview": origin + to.page(""),
            "keys": origin + to.page("keys"),
            "key": origin + to.key(key_of(HOSTILE[0])),
            "array": origin + to.key("array"),
            "frame": origin + to.key("frame"),
            "described": origin + to.key("described"),
            "versions": origin + to.page("versions", key="array"),
            "diff": origin + to.page("diff", key="array", a=1, b=2),
            "lineage": origin + to.page("lineage", key=key_of(f"made {HOSTILE[0]}")),
            "files": origin + to.page("files", key="array"),
            "find": origin + to.page("find", q=HOSTILE[0][:60]),
            "help": origin + to.page("find", q="since:never"),
            "log": origin + to.page("log"),
            "sessions": origin + to.page("sessions"),
            "session": origin + to.page("session", name=db.entry("array").newest.record["activity"]["session"]),
            "environments": origin + to.page("environments"),
            "nowhere": origin + to.key("nowhere"),
        }


def test_hostile_pages_run_nothing_and_can_be_used_by_everybody(page, served):
    page.requests()  # those of the page before
    for name, address in served.items():
        page.goto(address)
        page.driver.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert (page.look(f"served-{name}", "main") if name in LOOKED_AT else page.faults("main")) == [], name
        assert page.axe() == [], name
        assert page.noticed() == [], name
        assert [one for one in page.smuggled("main") if not one.startswith(OUR_FORM)] == [], name
    assert {"/".join(one.split("/")[:3]) for one in page.requests()} == {"/".join(address.split("/")[:3])}


def test_their_policy_refuses_nothing_that_they_need(page, served):
    page.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
    try:
        for name, address in served.items():
            page.goto(address)
            assert page.noticed() == [], name
            assert page.driver.execute_script("return getComputedStyle(document.body).maxWidth") != "none", name
            pictures = "return [...document.images].filter(one => !one.naturalWidth).length"
            assert page.driver.execute_script(pictures) == 0, name
            page.driver.execute_script("const s = document.createElement('script'); s.textContent = 'alert(1)'; document.body.append(s)")
            assert "alert(1)" not in page.noticed(), name
    finally:
        page.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})


def test_a_key_is_found_and_compared_with_the_keyboard(page, served):
    from selenium.webdriver.common.keys import Keys

    page.goto(served["overview"])
    page.find("#q")[0].send_keys("key:array", Keys.ENTER)
    page.wait_for("h1", "1 hit")
    page.wait_for("th a", "array").send_keys(Keys.ENTER)
    page.wait_for("h1", "array")
    page.wait_for("a", "Compare with v1").send_keys(Keys.ENTER)
    page.wait_for("main", "different")
    page.goto(served["overview"])
    page.js("document.querySelector('.r-skip').focus()")
    assert page.wait_for(".r-skip", "Skip to the content").is_displayed()


def test_a_link_on_another_sites_page_lets_in(page, db, tmp_path):
    db["rates"] = 1
    with serving(db) as visitor:
        page.show(f"<!DOCTYPE html><title>elsewhere</title><body><main><a href='{visitor.server.url}'>here</a></main></body>", tmp_path)
        page.click("a", "here")
        page.wait_for("h1", db.name)
        assert page.driver.current_url.endswith(f"/{db.id}/")
        page.goto(visitor.server.url.partition("?")[0])
        page.wait_for("th a", "rates")


def test_a_file_is_saved_and_not_shown(page, db, tmp_path):
    (tmp_path / "page.html").write_text("<script>top.hacked=1</script>")
    db.attach("page", tmp_path / "page.html")
    with serving(db) as visitor:
        page.goto(visitor.server.url)
        page.goto(f"http://127.0.0.1:{visitor.server.port}{visitor.server.site.addresses(db.id).page('files', key='page')}")
        before = page.driver.current_url
        page.click("th a", "attached/page.html")
        page.wait_for("h1", "page@1")
        assert page.driver.current_url == before
        assert page.noticed() == []


def test_without_the_link_the_browser_is_told_what_to_do(page, db):
    with serving(db) as visitor:
        page.goto(f"http://127.0.0.1:{visitor.server.port}/{db.id}/")
        page.wait_for("main", "isfdb serve")
        assert page.axe() == []
        assert db.name not in page.driver.page_source
