"""A headless Chromium and a Jupyter server for the tests of what people see and click; docs/contributing.md says how to use them."""

from __future__ import annotations

import importlib.util
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import chromium, jupyter_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.browser.jupyter_pages import NotebookPage
    from tests.browser.pages import Page


def _demand(*modules: str) -> None:
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    if absent and os.environ.get("CI_BROWSER"):
        pytest.fail(f"CI_BROWSER is set, and {', '.join(absent)} cannot be imported; pip install isfdb[test]")
    if absent:
        pytest.skip(f"{', '.join(absent)} cannot be imported; pip install isfdb[test]")


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start the one browser of this process, driven by Selenium."""
    _demand("selenium", "axe_core_python")
    with chromium.started(tmp_path_factory.mktemp("chromium") / "profile") as started:
        yield started


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[jupyter_server.JupyterServer]:
    """Start the one Jupyter server of this process; it serves JupyterLab and Notebook 7."""
    chromium.programs()
    _demand("jupyterlab", "notebook")
    with jupyter_server.started(tmp_path_factory.mktemp("jupyter")) as started:
        yield started


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where screenshots go: ``--screenshots FOLDER``, else a temporary folder."""
    from pathlib import Path

    chosen = request.config.getoption("--screenshots")
    return Path(chosen).resolve() if chosen else tmp_path_factory.mktemp("screenshots")


@pytest.fixture(scope="session")
def _page(driver: Any, pictures: Path) -> Page:
    from tests.browser.pages import Page

    return Page(driver, pictures)


@pytest.fixture(scope="session")
def _lab(driver: Any, pictures: Path, jupyter: jupyter_server.JupyterServer) -> NotebookPage:
    from tests.browser.jupyter_pages import NotebookPage

    return NotebookPage(driver, pictures, jupyter, "lab")


@pytest.fixture(scope="session")
def _notebook7(driver: Any, pictures: Path, jupyter: jupyter_server.JupyterServer) -> NotebookPage:
    from tests.browser.jupyter_pages import NotebookPage

    return NotebookPage(driver, pictures, jupyter, "notebook")


@pytest.fixture
def page(_page: Page) -> Page:
    """Give an empty tab for pages that are no notebooks: light, 1400 pixels wide."""
    _page.front()
    _page.set_width(1400)
    _page.set_theme(dark=False)
    _page.goto("about:blank")
    return _page


@pytest.fixture
def lab(_lab: NotebookPage, request: pytest.FixtureRequest) -> Iterator[NotebookPage]:
    """Open a new notebook in JupyterLab, in a folder of its own, with its own kernel."""
    yield from _opened(_lab, request)


@pytest.fixture
def notebook7(_notebook7: NotebookPage, request: pytest.FixtureRequest) -> Iterator[NotebookPage]:
    """Open a new notebook in Notebook 7, in a folder of its own, with its own kernel."""
    yield from _opened(_notebook7, request)


def _opened(page: NotebookPage, request: pytest.FixtureRequest) -> Iterator[NotebookPage]:
    page.front()
    page.set_width(1400)
    page.open(re.sub(r"\W+", "_", request.node.name).strip("_")[:80] + f"_{page.kind}")
    page.set_theme(dark=False)
    page.errors()
    yield page
    page.close()
