"""The report page: complete, self-contained, and harmless whatever the database holds."""

from __future__ import annotations

import itertools
import platform
import re
from pathlib import Path

import numpy as np
import pytest

from isfdb.reporting.page import report_page
from isfdb.reporting.reports import report
from tests.unit.reporting.reported import HOSTILE, Tags, pictures, section


@pytest.fixture
def page(db) -> str:
    db["scalar"] = 1.5
    db["cells/trace"] = np.sin(np.linspace(0, 9, 500))
    db["text"] = HOSTILE
    db[HOSTILE] = 3
    db.attributes["scalar"]["unit"] = HOSTILE
    return report_page(db)


def test_every_tag_is_closed_and_every_id_is_unique(page: str):
    tags = Tags(page)
    assert tags.open == []
    ids = [attributes["id"] for _, attributes in tags.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("verify", [True, False])
def test_links_on_the_page_lead_somewhere(db, verify: bool):
    db["x"] = 1
    tags = Tags(report_page(db, verify=verify)).tags
    ids = {attributes.get("id") for _, attributes in tags}
    assert {attributes["href"].removeprefix("#") for tag, attributes in tags if tag == "a"} <= ids


def test_it_says_with_which_python_and_packages(page: str):
    assert f"cpython, {platform.python_version()}" in page
    assert "packages installed" in page
    assert "<td>numpy</td>" in page


def test_an_empty_database_has_a_page_too(db):
    page = report_page(db)
    assert Tags(page).open == []
    assert "No session is on record" in page


def test_nothing_on_it_can_run_or_be_fetched(page: str):
    tags = Tags(page).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "iframe", "object", "embed", "link", "base", "form", "use", "foreignobject"})
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    sources = [attributes["src"] for _, attributes in tags if attributes.get("src")]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    style = "".join(re.findall("<style>(.*?)</style>", page)) + "".join(attributes.get("style") or "" for _, attributes in tags)
    assert "url(" not in style
    assert "@import" not in style


def test_it_says_its_language_title_and_headings_in_order(page: str):
    tags = Tags(page).tags
    assert dict(tags)["html"] == {"lang": "en"}
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    assert all("alt" in attributes for tag, attributes in tags if tag == "img")


def test_it_shows_values_and_what_ran(page: str):
    assert "1.5" in page
    assert "course of cells/trace" in page
    assert "Every file is there and is what was stored" in page
    assert "test_page.py" in page


def test_damage_is_reported_on_the_page_and_does_not_stop_it(db):
    db["good"] = 1
    db["bad"] = np.arange(10.0)
    data = Path(db.entry("bad").path) / "data.npy"
    data.write_bytes(data.read_bytes()[:-1] + b"\xff")
    page = report_page(db)
    assert "1 finding" in page
    assert "changed file" in page
    assert "Not as it was stored" in section(page, "bad")
    assert "Not as it was stored" not in section(page, "good")


def test_a_page_is_replaced_only_when_it_is_complete(db, tmp_path: Path):
    db["x"] = 1
    target = tmp_path / "page.html"
    target.write_text("old")
    assert report(db, target) == str(target)
    assert target.read_text(encoding="utf-8").endswith("</html>\n")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("page")] == ["page.html"]


def test_an_image_is_shown_where_it_is_a_png(db):
    image = pytest.importorskip("PIL.Image")
    db["mask"] = image.new("L", (3, 2))
    assert 'alt="Image mask"' in report_page(db)
    assert len(pictures(report_page(db))) == 1
    db["mask"] = image.new("F", (3, 2))
    assert not pictures(report_page(db))


def test_a_picture_that_is_no_png_is_not_embedded(db):
    plt = pytest.importorskip("matplotlib.pyplot")
    figure, _ = plt.subplots()
    db["figure"] = figure
    plt.close(figure)
    assert pictures(report_page(db))
    (Path(db.entry("figure").path) / "figure.png").write_bytes(b"<svg onload='x'>")
    page = report_page(db)
    assert not pictures(page)
    assert "of no kind that a page can show" in page


def test_a_picture_that_is_a_link_out_of_the_database_is_not_read(db, tmp_path: Path):
    plt = pytest.importorskip("matplotlib.pyplot")
    figure, _ = plt.subplots()
    db["figure"] = figure
    plt.close(figure)
    picture = Path(db.entry("figure").path) / "figure.png"
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture.read_bytes())
    picture.unlink()
    picture.symlink_to(secret)
    assert not pictures(report_page(db))


def test_values_that_run_code_are_not_loaded_for_a_page(db, recwarn):
    db.set("object", {1, 2, 3}, dumper="to_pickle")
    recwarn.clear()
    assert "to_pickle" in report_page(db)
