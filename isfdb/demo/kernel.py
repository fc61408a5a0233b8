"""Runs the cells of a notebook in a real kernel, in any order, one of them failing or run again: as people do."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CELL_TIMEOUT_S = 120


@dataclass(frozen=True)
class Ran:
    """One cell as it ran: its id, its number, and what it raised."""

    cell_id: str
    count: int | None
    error: str
    source: str


def run_cells(path: str, order: Sequence[str]) -> Iterator[Ran]:
    """Run cells of the notebook at `path` in the given order, yield each, and write the notebook back with its outputs.

    Parameters
    ----------
    path : str
        A notebook; its folder becomes the working directory of the kernel.
    order : sequence of str
        Cell ids; one that comes twice is run twice.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    index = {cell["id"]: number for number, cell in enumerate(notebook.cells)}
    with _kernel(notebook, os.path.dirname(os.path.abspath(path))) as client:
        for cell_id in order:
            yield _run(client, notebook.cells[index[cell_id]], index[cell_id])
    nbformat.write(notebook, path)


@contextmanager
def _kernel(notebook: Any, folder: str) -> Iterator[Any]:
    from nbclient import NotebookClient

    client = NotebookClient(
        notebook, km=_kernel_manager(), timeout=_CELL_TIMEOUT_S, allow_errors=True, resources={"metadata": {"path": folder}}
    )
    # Without this the debugger in the kernel warns on the user's terminal about frozen modules.
    with client.setup_kernel(env={**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}):
        yield client


def _kernel_manager() -> Any:
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class ThisPython(KernelSpecManager):  # type: ignore[misc,unused-ignore]
        """Starts the Python that runs the demo: a kernel named "python3" may belong to another installation."""

        def get_kernel_spec(self, kernel_name: str) -> Any:
            # 40: errors only. Kernels warn on the terminal about matters that are none of the demo's.
            argv = [sys.executable, "-m", "ipykernel_launcher", "--log-level=40", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, display_name=kernel_name, language="python")

    return AsyncKernelManager(kernel_spec_manager=ThisPython())


def _run(client: Any, cell: Any, number: int) -> Ran:
    client.kc.session.metadata = {"cellId": cell["id"]}  # as JupyterLab and VS Code send it
    client.execute_cell(cell, number)
    errors = [f"{output['ename']}: {output['evalue']}" for output in cell["outputs"] if output["output_type"] == "error"]
    return Ran(cell["id"], cell.get("execution_count"), errors[0] if errors else "", cell["source"])
