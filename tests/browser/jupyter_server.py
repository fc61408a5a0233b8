"""Starts and ends one Jupyter server on loopback that serves JupyterLab at ``/lab`` and Notebook 7 at ``/notebooks``."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "for-tests-only"

# No news, no check for updates, no list of extensions: nothing asks the network. All cells stay in the page, seen or not.
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
    "extensionmanager-extension/plugin": {"enabled": False, "disclaimed": False},
}


@dataclass(frozen=True)
class JupyterServer:
    """A running server: its address, and the folder that it shows."""

    url: str
    folder: Path
    log: Path
    environment: dict[str, str] = field(repr=False)

    def address(self, path: str) -> str:
        """Return the address of a page, with the token that opens it."""
        return f"{self.url}{path}?token={TOKEN}"

    def tracebacks(self) -> str:
        """Return what the server and its kernels logged, from the first traceback on; an empty text if there is none."""
        told = _OF_IPYKERNEL.sub("", self.log.read_text(encoding="utf-8", errors="replace"))
        return told[told.index("Traceback") :] if "Traceback" in told else ""


#: What `logging` writes when ipykernel's own stream fails under it, as for a thread that logs while its kernel ends.
_OF_IPYKERNEL = re.compile(
    r"--- Logging error ---\n(?:(?!\nArguments: ).)*ipykernel/iostream\.py(?:(?!\nArguments: ).)*\nArguments: [^\n]*\n", re.DOTALL
)


@contextmanager
def started(folder: Path) -> Iterator[JupyterServer]:
    """Run a server while the block runs; everything it writes lies below `folder`."""
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    environment = _environment(folder)
    with (folder / "server.log").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *_options(notebooks)]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield JupyterServer(_url(process, folder), notebooks, folder / "server.log", environment)
    finally:
        process.terminate()
        try:
            process.wait(8)  # now and then it never ends; its kernels do when it is gone
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _options(notebooks: Path) -> list[str]:
    return [
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={_free_port()}",
        f"--ServerApp.root_dir={notebooks}",
        f"--IdentityProvider.token={TOKEN}",
        "--ServerApp.allow_root=True",
        "--ServerApp.jpserver_extensions={'jupyterlab': True, 'notebook': True, 'notebook_shim': True, 'jupyter_lsp': True}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=",
        "--JupyterNotebookApp.expose_app_in_browser=True",
    ]


def _environment(folder: Path) -> dict[str, str]:
    import jupyterlab

    # Not sys.prefix: an environment may see JupyterLab in another one.
    share = Path(jupyterlab.__file__).parents[4] / "share" / "jupyter"
    settings = folder / "settings"
    for name, values in _SETTINGS.items():
        place = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(values), encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "MPLBACKEND", "COVERAGE"))}
    return inherited | {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_DIR": str(share / "lab"),
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_PATH": str(share),
        "JUPYTER_PLATFORM_DIRS": "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _url(process: subprocess.Popen[bytes], folder: Path, timeout_s: float = 120) -> str:
    """Wait until the server has written where it listens, which it does once it answers."""
    told = folder / "runtime" / f"jpserver-{process.pid}.json"
    end = time.monotonic() + timeout_s
    while time.monotonic() < end and process.poll() is None:
        facts = _read(told)
        if facts:
            return str(facts["url"]).rstrip("/")
        time.sleep(0.05)
    log = (folder / "server.log").read_text(errors="replace")
    raise RuntimeError(f"the Jupyter server did not start: {log[-4000:]}")


def _read(path: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there yet, or half written
        return {}
    return facts
