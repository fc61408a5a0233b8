"""What every test may count on: a user folder of its own, and a database in one line."""

from __future__ import annotations

import compileall
import gc
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from isfdb.testing.reliability_table import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

TALLY = pytest.StashKey[Tally]()
PACKAGES = ("isfdb", "loaderdumpers", "initializers")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked `long`, and the large counts of the others")
    parser.addoption("--network", action="store_true", help="run the tests marked `network`")
    parser.addoption("--screenshots", metavar="FOLDER", help="keep the pictures that the tests in a browser take, to be looked at")
    parser.addoption(
        "--tally", metavar="FILE", type=Path, help="write what was tried and lost into this JSON file, for the table of faults"
    )
    # Here and not beside their tests: pytest reads no deeper conftest.py before the command line.
    parser.addoption("--kills", type=int, default=15, help="how many writers are killed in each test of killed writers")
    parser.addoption("--soak", type=float, metavar="SECONDS", help="work on one database for so long; an hour is 3600")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Tally()
    if not hasattr(config, "workerinput"):
        _compile_once()


def _compile_once() -> None:
    """Compile isfdb for the thousands of processes that the tests start, as pip compiles what it installs.

    Where PYTHONDONTWRITEBYTECODE is set, each of them would otherwise compile it anew: half of what a short session takes.
    A folder that cannot be written to is left as it is.
    """
    for name in PACKAGES:
        compileall.compile_dir(Path(__file__).parents[1] / name, quiet=2)


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Tally:
    """Count a fault for the table in docs/explanation/reliability.md: ``tally("killed while appending", tries=50, lost=len(lost))``."""
    return request.config.stash[TALLY]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of pytest-xdist counted."""
    node.config.stash[TALLY].add(getattr(node, "workeroutput", {}).get("tally", []))


def pytest_sessionfinish(session: pytest.Session) -> None:
    counted = session.config.stash[TALLY]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tally"] = counted.rows()
    elif path := session.config.getoption("--tally"):
        counted.write(path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    has_browser = any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")) or "CI_BROWSER" in os.environ
    for item in items:
        for option in ("long", "network"):
            if option in item.keywords and not config.getoption(f"--{option}"):
                item.add_marker(pytest.mark.skip(reason=f"runs only with --{option}"))
        if "browser" in item.keywords and not has_browser:
            item.add_marker(pytest.mark.skip(reason="there is no Chromium on this computer"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare the garbage collector what stays to the end: the tests themselves, and the modules they import.

    Each shell that ends collects garbage. Among the million objects of all tests that takes half a second, and hundreds of shells end.
    What a test makes is collected as ever.
    """
    import hypothesis  # noqa: F401 - pytest imports it at the end at the latest; it asks who refers to an object, which frozen ones hide

    gc.collect()
    gc.freeze()


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


#: What dask's nannies put into the environment of the process that begins them, and leave there.
OF_NANNIES = ("MALLOC_TRIM_THRESHOLD_", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED")


@pytest.fixture(autouse=True)
def no_nannies_leave_variables() -> Iterator[None]:
    """Keep a test from finding what a cluster of a test before it has set: a replay tells of variables that were not there."""
    standing = {name: os.environ.get(name) for name in OF_NANNIES}
    yield
    for name, value in standing.items():
        if value is None:
            os.environ.pop(name, None)


@pytest.fixture
def db(tmp_path: Path):
    """An empty database."""
    import isfdb

    with isfdb.open(tmp_path / "results") as database:
        yield database
