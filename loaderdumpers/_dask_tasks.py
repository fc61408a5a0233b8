"""Runs the tasks that write a dask value part by part, wherever dask computes: threads, processes, a cluster. Knows no format.

Each attempt at a task writes under names of its own into a folder that is removed afterwards; this process moves what the attempts that
count wrote to where it belongs. So a worker that dies halfway, or a task that runs twice, leaves nothing and spoils nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

#: Writes one part to files whose paths begin with a prefix; returns the names without the prefix, and what is to be known of the part.
Write = Callable[[Any, int, str], tuple[Sequence[str], Any]]


def write_parts(write: Write, parts: Sequence[Any], savedir: str, *, progress: bool | None, title: str) -> list[Any]:
    """Compute and write parts, in parallel, and return what is to be known of each, in order.

    Parameters
    ----------
    write : callable
        ``write(part, place, prefix)``; is sent to where the part is computed.
    parts : sequence of dask.delayed.Delayed
        What to compute.
    savedir : str
        Where the files end up.
    progress : bool or None
        Show a bar; None: on a terminal or in a notebook, once the work takes a second.
    title : str
        What the bar says.

    Raises
    ------
    FileNotFoundError
        A worker does not see `savedir`.
    """
    import dask

    folder = os.path.join(savedir, f".attempts-{secrets.token_hex(4)}")
    attempt = dask.delayed(_attempt, pure=False)
    os.mkdir(folder)
    try:
        done = compute([attempt(write, part, place, folder) for place, part in enumerate(parts)], progress=progress, title=title)
        for prefix, names, _ in done:
            for name in names:
                os.rename(os.path.join(folder, prefix + name), os.path.join(savedir, name))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [result for _, _, result in done]


def _attempt(write: Write, part: Any, place: int, folder: str) -> tuple[str, Sequence[str], Any]:
    if not os.path.isdir(folder):
        advice = "Where a cluster computes, its workers must reach the database under the same path; else store it with dask's threads"
        raise FileNotFoundError(f"the worker {os.uname().nodename} does not see {folder}. {advice}: dask.config.set(scheduler='threads').")
    prefix = f"{secrets.token_hex(8)}-"
    names, result = write(part, place, os.path.join(folder, prefix))
    return prefix, names, result


def laid_down(start: str, name: str) -> list[str]:
    """Return the name of what a part may have written, where it did; small parts stand in the spec.

    Raises
    ------
    OSError
        The system does not let us see, which is no answer.
    """
    try:
        os.stat(start + name)
    except FileNotFoundError:
        return []
    return [name]


def compute(tasks: Sequence[Any], *, progress: bool | None, title: str) -> list[Any]:
    """Compute tasks by the scheduler that dask is set to, else by threads of this process; no task runs on after an error."""
    import dask
    from dask.base import get_scheduler

    scheduler = get_scheduler() or dask.threaded.get
    client = getattr(scheduler, "__self__", None)
    with _bar(len(tasks), wanted=progress, title=title) as advance:
        if advance is not None and hasattr(client, "compute"):
            return _compute_on_cluster(client, tasks, advance)
        with _counting(tasks, advance), _own_threads(scheduler) as options:
            return list(dask.compute(*tasks, scheduler=scheduler, **options))


@contextlib.contextmanager
def _own_threads(scheduler: Any) -> Iterator[dict[str, Any]]:
    """Give threads that end with the block: those of dask's own would go on writing after another one's error."""
    import dask
    import dask.threaded

    if scheduler is not dask.threaded.get or dask.config.get("pool", None) is not None:
        yield {}
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(dask.config.get("num_workers", None) or dask.system.CPU_COUNT) as pool:
        try:
            yield {"pool": pool}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _compute_on_cluster(client: Any, tasks: Sequence[Any], advance: Callable[[], object]) -> list[Any]:
    from distributed import as_completed

    futures = client.compute(list(tasks))
    try:
        for future in as_completed(futures, loop=client.loop):  # else it asks for a default client, and there may be none
            future.result()
            advance()
        return list(client.gather(futures))
    except BaseException:
        client.cancel(futures)
        raise


@contextlib.contextmanager
def _counting(tasks: Sequence[Any], advance: Callable[[], object] | None) -> Iterator[None]:
    """Advance the bar whenever one of the tasks is done by a scheduler of this process."""
    if advance is None:
        yield
        return
    from dask.callbacks import Callback

    keys = {task.key for task in tasks}
    with Callback(posttask=lambda key, *_: advance() if key in keys else None):
        yield


@contextlib.contextmanager
def _bar(total: int, *, wanted: bool | None, title: str) -> Iterator[Callable[[], object] | None]:
    """Give a function that advances a progress bar, or None where none is shown."""
    is_seen = "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
    if wanted is False or (wanted is None and (total < 2 or not is_seen)):
        yield None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=title, unit="part", delay=0.0 if wanted else 1.0) as bar:
        yield bar.update
