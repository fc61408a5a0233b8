"""A notebook in JupyterLab or Notebook 7, used as a person does: open it, run cells, read what they show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import nbformat

from tests.browser.pages import Page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.browser.jupyter_server import JupyterServer

# Both applications are one program with two faces, so that one script drives both.
_OPEN = """
const app = window.jupyterapp, path = arguments[0];
await app.restored;
if (arguments[1]) await app.commands.execute('docmanager:open', {path});
"""
_READY = """
const panel = window.jupyterapp?.shell.currentWidget;
if (!panel?.sessionContext || panel.context.path !== arguments[0]) return false;
await panel.context.ready;
await panel.revealed;
return panel.sessionContext.session?.kernel?.connectionStatus === 'connected';
"""
_PUT = """
const panel = window.jupyterapp.shell.currentWidget, notebook = panel.content;
notebook.activeCellIndex = notebook.widgets.length - 1;
if (notebook.activeCell.model.sharedModel.getSource()) await window.jupyterapp.commands.execute('notebook:insert-cell-below');
notebook.activeCell.model.sharedModel.setSource(arguments[0]);
window.cellOfTest = notebook.activeCell;
return notebook.activeCell.node;
"""
_RUN = "await window.jupyterapp.commands.execute('notebook:run-cell'); return window.cellOfTest.node"
_THEME = "await window.jupyterapp.commands.execute('apputils:change-theme', {theme: arguments[0]})"
_HEIGHT = """
const outer = window.jupyterapp.shell.currentWidget.content.node.querySelector('.jp-WindowedPanel-outer');
outer.scrollTop = 0;
const cells = [...outer.querySelectorAll('.jp-Cell')];
return Math.ceil(cells.at(-1).getBoundingClientRect().bottom) + 120;
"""
_LAST = "return window.jupyterapp.shell.currentWidget.content.widgets.at(-1).node"
_IS_IDLE = "return window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
_SAVE = "const {context} = window.jupyterapp.shell.currentWidget; await context.save(); return context.path"
_CLOSE = """
const panel = window.jupyterapp?.shell.currentWidget;
if (!panel?.sessionContext) return;
await panel.sessionContext.shutdown();
await panel.context.save();  // a page that is not saved asks before it goes
if (arguments[0]) panel.close();
"""


class Cell:
    """A cell that ran.

    Parameters
    ----------
    page : NotebookPage
        Where it is.
    element : WebElement
        The cell on the page.
    """

    def __init__(self, page: NotebookPage, element: Any) -> None:
        self.page, self.element = page, element

    @property
    def outputs(self) -> list[Any]:
        """What the cell shows, as elements of the page."""
        return self.page.find(".jp-OutputArea-output", self.element)

    @property
    def text(self) -> str:
        """What a person reads below the cell."""
        return "\n".join(one.text for one in self.outputs)

    @property
    def html(self) -> list[Any]:
        """The outputs that are HTML."""
        return self.page.find(".jp-RenderedHTML", self.element)

    @property
    def failed(self) -> bool:
        """Whether the cell shows an error, or anything else that went to stderr."""
        return bool(self.page.find("[data-mime-type='application/vnd.jupyter.stderr']", self.element))

    def wait_for(self, selector: str, text: str = "", timeout_s: float = 60) -> Any:
        """Wait for an element in what the cell shows, and return it."""
        return self.page.wait_for(selector, text, within=self.element, timeout_s=timeout_s)

    def click(self, selector: str, text: str = "") -> Any:
        """Click an element in what the cell shows."""
        return self.page.click(selector, text, within=self.element)


class NotebookPage(Page):
    """A tab of the browser with a notebook in it.

    Parameters
    ----------
    driver : selenium.webdriver.Chrome
        The browser.
    pictures : Path
        Where screenshots go.
    server : JupyterServer
        The server that runs the kernels.
    kind : {'lab', 'notebook'}
        JupyterLab or Notebook 7.
    """

    def __init__(self, driver: Any, pictures: Path, server: JupyterServer, kind: Literal["lab", "notebook"]) -> None:
        super().__init__(driver, pictures)
        self.server, self.kind = server, kind
        self.folder = server.folder

    def open(self, name: str, cells: Sequence[str] = ()) -> None:
        """Make a notebook with these cells, in a folder of its own, open it and wait for its kernel."""
        self.folder = self.server.folder / name  # where its kernel works
        self.folder.mkdir()
        path = self.folder / f"{name}.ipynb"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells] or [nbformat.v4.new_code_cell("")])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, path)
        self._load(f"{name}/{name}.ipynb")

    def _load(self, path: str) -> None:
        is_loaded = self.kind == "lab" and self.driver.execute_script("return Boolean(window.jupyterapp)")
        if not is_loaded:
            self.goto(self.server.address("/lab" if self.kind == "lab" else f"/notebooks/{path}"))
            self.wait(lambda: self.driver.execute_script("return Boolean(window.jupyterapp)"), "Jupyter did not load", 120)
        self.js(_OPEN, path, self.kind == "lab")
        self.wait(lambda: self.js(_READY, path), f"the kernel of {path} did not start", 120)
        self.driver.execute_script("window.jupyterapp.shell.collapseLeft?.()")

    def run(self, code: str) -> Cell:
        """Write code into a new cell, run it, wait until it is done, and return the cell."""
        self.js(_PUT, code)
        return Cell(self, self.js(_RUN))

    def put(self, code: str) -> Any:
        """Write code into a new cell and do not run it."""
        return self.js(_PUT, code)

    def set_theme(self, dark: bool) -> None:
        """Choose the dark or the light theme, as in the menu."""
        self.js(_THEME, "JupyterLab Dark" if dark else "JupyterLab Light")
        wanted = "false" if dark else "true"
        self.wait(lambda: self.find(f"body[data-jp-theme-light='{wanted}']"), "the theme did not change")

    def _height(self) -> int:
        height: int = self.driver.execute_script(_HEIGHT)
        return height

    def save(self) -> Path:
        """Save the notebook, and return the file."""
        return self.server.folder / self.js(_SAVE)

    def type(self, text: str) -> Cell:
        """Type into the last cell on the keyboard, run it with Shift and Enter, and return it when it has run."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        self.wait(lambda: self.driver.execute_script(_IS_IDLE), "the kernel is not ready", 120)
        element = self.driver.execute_script(_LAST)
        self.find(".cm-content", element)[0].click()
        ActionChains(self.driver).send_keys(text).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
        self.wait(lambda: re.search(r"\[\d+\]", self.find(".jp-InputPrompt", element)[0].text), "the cell did not run", 120)
        return Cell(self, element)

    def close(self) -> None:
        """End the kernel, save and close the notebook."""
        self.js(_CLOSE, self.kind == "lab")
