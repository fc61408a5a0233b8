"""One page in the browser of the tests: its size, theme, pictures, faults of layout, and what scripts in it did."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
LISTENER = (HERE / "listener.js").read_text(encoding="utf-8")
_LAYOUT_FAULTS = (HERE / "layout_faults.js").read_text(encoding="utf-8")
_SMUGGLED = (HERE / "smuggled.js").read_text(encoding="utf-8")
_POLL_S = 0.05
# Notebook 7 refuses its own fonts now and then, JupyterLab's debugger misses a kernel that was ended, and both give up promises of
# their own, without a word, when a page is left.
_JUPYTERS_OWN = re.compile(r"/static/\w+/\w+\.woff2? |Could not restore the debugger state|_core\.\S+ [\d:]+ Uncaught \(in promise\)$")


class Page:
    """A tab of the browser.

    Parameters
    ----------
    driver : selenium.webdriver.Chrome
        The browser.
    pictures : Path
        Where screenshots go.
    """

    def __init__(self, driver: Any, pictures: Path) -> None:
        self.driver, self.pictures = driver, pictures
        driver.switch_to.new_window("tab")
        self._handle = driver.current_window_handle
        driver.execute_cdp_cmd("Page.enable", {})
        driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})  # JupyterLab asks what has the focus
        # A page's own policy must not be what keeps a script from running, or hides it from the tests.
        driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTENER})
        self.set_width(1400)

    def front(self) -> None:
        """Bring this tab to the front, and forget what was logged before."""
        self.driver.switch_to.window(self._handle)
        self.driver.get_log("browser")
        self.driver.get_log("performance")

    def goto(self, address: str) -> None:
        """Open an address and wait until it is loaded."""
        self.driver.get(address)

    def show(self, html: str, folder: Path, name: str = "page.html") -> None:
        """Open a page with this text."""
        path = folder / name
        path.write_text(html, encoding="utf-8")
        self.goto(path.as_uri())

    # What is on it

    def js(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page; what it returns comes back, promises fulfilled."""
        wrapped = (
            "const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);"
            f"(async function() {{ {script} }}).apply(null, given).then((one) => done([true, one]), (e) => done([false, String(e)]))"
        )
        went_well, result = self.driver.execute_async_script(wrapped, *arguments)
        if not went_well:
            raise RuntimeError(result)
        return result

    def find(self, selector: str, within: Any = None) -> list[Any]:
        """Return the elements that a CSS selector finds, in the page or within an element."""
        found: list[Any] = (within or self.driver).find_elements(By.CSS_SELECTOR, selector)
        return found

    def wait(self, condition: Callable[[], Any], what: str = "", timeout_s: float = 60) -> Any:
        """Ask again and again until `condition` returns something true, and return that."""
        from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

        ignored = (NoSuchElementException, StaleElementReferenceException)
        return WebDriverWait(self.driver, timeout_s, _POLL_S, ignored_exceptions=ignored).until(lambda _: condition(), what)

    def wait_for(self, selector: str, text: str = "", *, within: Any = None, timeout_s: float = 60) -> Any:
        """Wait for a visible element with a text in it, and return it."""

        def there() -> Any:
            return next((one for one in self.find(selector, within) if one.is_displayed() and text in one.text), None)

        return self.wait(there, f"no {selector} with {text!r} came", timeout_s)

    def click(self, selector: str, text: str = "", *, within: Any = None) -> Any:
        """Wait for an element, click it as a mouse would, and return it."""
        from selenium.common.exceptions import ElementClickInterceptedException

        element = self.wait_for(selector, text, within=within)

        def clicked() -> bool:
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', inline: 'nearest', behavior: 'instant'})", element)
            try:
                element.click()
            except ElementClickInterceptedException:  # something moves above it; look again
                return False
            return True

        self.wait(clicked, f"{selector} with {text!r} cannot be clicked")
        return element

    # How it looks

    def set_width(self, px: int, height: int = 900) -> None:
        """Give the page a width, also one below what Chromium allows a window."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": px, "height": height, "deviceScaleFactor": 1, "mobile": False}
        )

    def set_theme(self, dark: bool) -> None:
        """Ask for a dark or a light page, as the computer's own setting does."""
        value = "dark" if dark else "light"
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": value}]})

    def look(self, name: str, selector: str = "body") -> list[str]:
        """Look at all of it in both themes and two widths, keep pictures, and return the faults of layout."""
        faults = []
        for dark in (False, True):
            self.set_theme(dark=dark)
            for width in (400, 1400):
                self.set_width(width)
                self.set_width(width, min(self._height(), 6000))
                where = f"{'dark' if dark else 'light'}-{width}"
                self.screenshot(f"{name}-{where}")
                faults += [f"{where}: {one}" for one in self.faults(selector)]
        self.set_theme(dark=False)
        self.set_width(1400)
        return faults

    def _height(self) -> int:
        height: int = self.driver.execute_script("return document.documentElement.scrollHeight")
        return max(height, 300)

    def screenshot(self, name: str, element: Any = None) -> Path:
        """Keep a picture of the window, or of one element, to be looked at."""
        path = self.pictures / f"{name}.png"
        self.pictures.mkdir(parents=True, exist_ok=True)
        (element or self.driver).screenshot(str(path)) if element else self.driver.save_screenshot(str(path))
        return path

    def faults(self, selector: str = "body", limit: int = 20) -> list[str]:
        """Return the faults of layout inside what `selector` finds: too wide, cut off, too little contrast."""
        found: list[str] = self.driver.execute_script(_LAYOUT_FAULTS, selector, limit)
        return found

    # What went wrong in it

    def axe(self, selector: str = "html", *, leave_out: tuple[str, ...] = ()) -> list[str]:
        """Return the serious and critical findings of an accessibility check."""
        from axe_core_python.base import AXE_SCRIPT

        if not self.driver.execute_script("return typeof window.axe === 'object'"):
            self.driver.execute_script(f"{AXE_SCRIPT}\nwindow.axe = axe")
        run = "return (await axe.run(arguments[0], {rules: arguments[1], resultTypes: ['violations']})).violations"
        found = self.js(run, selector, {rule: {"enabled": False} for rule in leave_out})
        return [_finding(one) for one in found if one["impact"] in ("serious", "critical")]

    def noticed(self) -> list[str]:
        """Return what the listener noticed: a hostile script that ran, a dialog, something a policy refused."""
        found: list[str] = self.driver.execute_script("return window.noticed")
        return found

    def smuggled(self, selector: str = "body") -> list[str]:
        """Return what stands inside `selector` and could run or mislead: scripts, handlers, frames, characters that nobody sees."""
        found: list[str] = self.driver.execute_script(_SMUGGLED, selector)
        return found

    def errors(self) -> list[str]:
        """Return the errors written to the browser's console since the last look."""
        told = [one["message"] for one in self.driver.get_log("browser") if one["level"] == "SEVERE"]
        return [one for one in told if not _JUPYTERS_OWN.search(one)]

    def requests(self) -> list[str]:
        """Return the addresses asked for since the last look; what lies in the page itself (data:, blob:) is left out."""
        messages = [json.loads(one["message"])["message"] for one in self.driver.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [one for one in asked if not one.startswith(("data:", "blob:"))]


def _finding(one: dict[str, Any]) -> str:
    places = "; ".join(f"{' '.join(map(str, node['target']))} {node['html'][:120]}" for node in one["nodes"][:3])
    return f"{one['impact']} {one['id']}: {one['help']} ({len(one['nodes'])} places: {places})"
