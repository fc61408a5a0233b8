"""What every test may count on: a user folder of its own, and a database in one line."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked `long`, and the large counts of the others")
    parser.addoption("--network", action="store_true", help="run the tests marked `network`")
    parser.addoption("--screenshots", metavar="FOLDER", help="keep the pictures that the tests in a browser take, to be looked at")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    has_browser = any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")) or "CI_BROWSER" in os.environ
    for item in items:
        for option in ("long", "network"):
            if option in item.keywords and not config.getoption(f"--{option}"):
                item.add_marker(pytest.mark.skip(reason=f"runs only with --{option}"))
        if "browser" in item.keywords and not has_browser:
            item.add_marker(pytest.mark.skip(reason="there is no Chromium on this computer"))


@pytest.fixture
def long_run(request: pytest.FixtureRequest) -> bool:
    """Say whether the user asked for large counts with ``--long``."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(autouse=True, scope="session")
def own_user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests, and every process they start, away from the real user's registry, signing key and settings."""
    folder = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ISFDB_")]:
            patch.delenv(name)
        patch.setenv("ISFDB_DATA_FOLDER", str(folder / "data"))
        patch.setenv("ISFDB_CACHE_FOLDER", str(folder / "cache"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        patch.setenv("MPLBACKEND", "agg")
        yield


@pytest.fixture
def db(tmp_path: Path):
    """An empty database."""
    import isfdb

    with isfdb.open(tmp_path / "results") as database:
        yield database
