"""Starts and ends one headless Chromium with its driver; nothing is downloaded, and no other computer is reached."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def programs() -> tuple[str, str]:
    """Return where Chromium and its driver are; skip the test without them, or fail it where ``CI_BROWSER`` demands them."""
    browser = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if browser and driver:
        return browser, driver
    absent = "Chromium" if not browser else "chromedriver"
    if os.environ.get("CI_BROWSER"):
        pytest.fail(f"CI_BROWSER is set, and there is no {absent} on this computer")
    pytest.skip(f"there is no {absent} on this computer")


@contextmanager
def started(profile: Path) -> Iterator[Any]:
    """Run Chromium while the block runs, and give its WebDriver."""
    browser, driver = programs()
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in _arguments(profile):
        options.add_argument(argument)
    # What the tests read afterwards: messages of the console, and every request that was made.
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.set_capability("unhandledPromptBehavior", "ignore")  # a dialog that a script opened must be noticed, not closed
    chromium = webdriver.Chrome(options=options, service=Service(driver, log_output=str(profile.with_suffix(".log"))))
    try:
        chromium.set_script_timeout(120)
        chromium.set_page_load_timeout(120)
        yield chromium
    finally:
        chromium.quit()


def _arguments(profile: Path) -> Iterator[str]:
    yield from ("--headless=new", f"--user-data-dir={profile}", "--window-size=1400,900", "--force-device-scale-factor=1", "--lang=en")
    yield from ("--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio")
    yield from ("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic")
    yield from ("--disable-default-apps", "--disable-extensions", "--no-proxy-server")
    # Timers of a page that is not in front must run as those of others do.
    yield from ("--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows")
    yield "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"  # requests to elsewhere fail at once, and are in the log
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield "--no-sandbox"  # Chromium refuses to sandbox what root runs
