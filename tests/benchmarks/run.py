"""Run all measurements in a live kernel and print the table: ``python -m tests.benchmarks.run [FOLDER]``.

Takes about four minutes and 4 GB of disk at FOLDER (default: a temporary folder). Quiet the machine first; ratios matter, not times.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import asdict

from . import arrays, frames, growing, lazy, measures, openings, publishing, replaying, searching, stores
from .measures import Row

MEASURES = (
    measures.small_values,
    measures.space,
    measures.large_array,
    measures.extra_memory,
    arrays.put_of_10_mb,
    arrays.slices,
    measures.many_keys,
    measures.capture,
    measures.imports,
    measures.waits,
    openings.openings,
    publishing.publishing,
    frames.arrow_frame,
    frames.parquet_frame,
    growing.appends,
    growing.attribute,
    lazy.dask_frame,
    stores.shared_store,
    searching.find_in_many,
    replaying.replays,
)


def measure_all(folder: str) -> list[dict[str, object]]:
    """Run every measurement, each in a folder of its own."""
    rows: list[Row] = []
    for number, measure in enumerate(MEASURES):
        os.makedirs(f"{folder}/{number}")
        rows += measure(f"{folder}/{number}")
    return [asdict(row) for row in rows]


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| what | ours | limit or peer | figure | goal | met |", "|---|---|---|---|---|---|"]
    for row in rows:
        against = f"{_amount(row.against, row.unit)} ({row.peer})" if row.against else ""
        figure, goal = (f"{row.figure:.2f} ×", f"≤ {row.goal:g} ×") if row.against else ("", f"≤ {_amount(row.goal, row.unit)}")
        lines.append(
            f"| {row.what} | {_amount(row.ours, row.unit)} | {against} | {figure} | {goal} | {'yes' if row.is_met else '**no**'} |"
        )
    return "\n".join(lines)


def _amount(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value * 1e6:.0f} µs" if value < 1e-3 else f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.2f} s"
    if unit == "B":
        return f"{value / 2**20:.1f} MiB" if value >= 2**20 else f"{value:,.0f} B"
    return f"{value:g}"


def in_a_kernel(folder: str) -> list[Row]:
    """Run the measurements inside a cell of a real kernel, with provenance captured as for a user."""
    import json

    from jupyter_client.manager import start_new_kernel

    out = f"{folder}/rows.json"
    code = (
        "import json; from tests.benchmarks.run import measure_all\n"
        f"with open({out!r}, 'w') as file: json.dump(measure_all({folder + '/work'!r}), file)"
    )
    manager, client = start_new_kernel(kernel_name="python3", cwd=os.getcwd())
    try:
        reply = client.execute_interactive(code, timeout=1800, store_history=True)["content"]
        if reply["status"] != "ok":
            raise RuntimeError("\n".join(reply["traceback"]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    with open(out) as file:
        return [Row(**row) for row in json.load(file)]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as place:
        os.environ |= {f"ISFDB_{name}": f"{place}/{name}" for name in ("DATA_FOLDER", "CACHE_FOLDER")}
        sys.stdout.write(table(in_a_kernel(place)) + "\n")
