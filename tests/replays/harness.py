"""Lives through the planted projects, two at once, and says what each replay gave.

``python -m tests.replays.harness [words of names] [--show]`` does so outside pytest.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .reading import Project, Row, Step, all_projects

HERE = Path(__file__).parent
TIME_LIMIT_S = 150

_GIT = """
[user]
name = A Scientist
email = scientist@example.org
[init]
defaultBranch = main
[gc]
auto = 0
[protocol "file"]
allow = always
"""


@dataclass
class Outcome:
    """What came of one project."""

    died: str = ""
    replays: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0

    def problem(self, row: Row) -> str:
        """Why a replay is not as expected; empty where it is."""
        if row.what not in self.replays:
            return f"the project came to an end before: {self.died}"
        told = self.replays[row.what]
        found = f"{told['status']}: {told['because']}" if told["because"] else told["status"]
        if found not in row.verdicts:
            return f"{found}, not {' or '.join(row.verdicts)}:\n{told['text']}"
        if row.says and not re.search(row.says, told["text"], re.IGNORECASE):
            return f"it does not say {row.says!r}:\n{told['text']}"
        return ""


class Place:
    """The folders of one project: where its people work, and their home."""

    def __init__(self, top: Path) -> None:
        self.top, self.work, self.home = top, top / "my work", top / "home"
        for folder in (self.work, self.home, top / "elsewhere", top / "steps"):
            folder.mkdir(parents=True)
        (self.home / ".gitconfig").write_text(_GIT)

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        """Return what a process of this project finds."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "GIT_", "PYTHON", "COV_"))}
        folders = {"HOME": self.home, "ISFDB_DATA_FOLDER": self.top / "data", "ISFDB_CACHE_FOLDER": self.top / "cache"}
        caches = {"IPYTHONDIR": self.top / "ipython", "MPLCONFIGDIR": self.top.parent / "matplotlib"}
        path = {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])}
        quiet = {"MPLBACKEND": "agg", "PYTHONDONTWRITEBYTECODE": "1", "GIT_CONFIG_NOSYSTEM": "1"}
        return kept | {name: str(folder) for name, folder in (folders | caches).items()} | path | quiet | more

    def run(self, command: list[str], variables: dict[str, str], folder: Path) -> str:
        """Run a command; return what went wrong."""
        more = {name: text.replace("TOP", str(self.top)) for name, text in variables.items() if name.isupper()}
        try:
            ended = subprocess.run(
                command,
                cwd=folder,
                env=self.environment(more | {"TOP": str(self.top)}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIME_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return f"{error}: {error.output}"
        return ended.stdout[-3000:] if ended.returncode else ""


def run_project(project: Project, top: Path) -> Outcome:
    """Live through one project."""
    started = time.monotonic()
    place, outcome = Place(top), Outcome()
    for number, step in enumerate(project.steps):
        outcome.died = _STEPS[step.kind](place, step, top / "steps" / f"{number}.json", outcome)
        if outcome.died:
            break
    outcome.seconds = time.monotonic() - started
    return outcome


def _file(place: Place, step: Step, path: Path, outcome: Outcome) -> str:
    target = place.work / step.words[0]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(step.body, encoding="utf-8")
    return ""


def _cells(place: Place, step: Step, path: Path, outcome: Outcome) -> str:
    path.write_text(json.dumps(step.cells))
    return place.run([*_python(place, step), "-P", str(HERE / "notebook.py"), str(path)], step.variables, place.work)


def _script(place: Place, step: Step, path: Path, outcome: Outcome) -> str:
    """A script is written where it does not lie already, and run."""
    if step.body.strip():
        _file(place, step, path, outcome)
    return place.run([*_python(place, step), *step.words], step.variables, place.work)


def _shell(place: Place, step: Step, path: Path, outcome: Outcome) -> str:
    return place.run(["bash", "-e", "-u", "-c", step.body], step.variables, place.work)


def _in_python(place: Place, step: Step, path: Path, outcome: Outcome) -> str:
    return place.run([*_python(place, step), "-c", step.body], step.variables, place.work)


def _replays(place: Place, step: Step, path: Path, outcome: Outcome) -> str:
    """Replay from a folder that has nothing to do with the project."""
    rows = [{"key": row.key, "how": row.how.replace("TOP", str(place.top))} for row in step.rows]
    db = place.work / step.variables.get("db", "results")
    path.write_text(json.dumps({"rows": rows, "db": str(db)}))
    folder = place.top / step.variables.get("from", "elsewhere")
    if problem := place.run([*_python(place, step), "-P", str(HERE / "replayer.py"), str(path)], step.variables, folder):
        return problem
    told = json.loads(Path(f"{path}.told").read_text())
    outcome.replays |= {row.what: facts for row, facts in zip(step.rows, told, strict=True)}
    return ""


def _python(place: Place, step: Step) -> list[str]:
    return shlex.split(step.variables.get("python", sys.executable).replace("TOP", shlex.quote(str(place.top))))


_STEPS = {"file": _file, "cells": _cells, "script": _script, "shell": _shell, "python": _in_python, "replays": _replays}


def missing(project: Project) -> list[str]:
    """Return the libraries a project wants that are not installed."""
    return [name for name in project.wants if importlib.util.find_spec(name) is None]


def run_projects(names: list[str], folder: Path) -> dict[str, Outcome]:
    """Live through projects, as many at once as there are processors."""
    projects = all_projects()
    folders = [folder / re.sub(r"\W+", "_", name) for name in names]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(zip(names, pool.map(run_project, [projects[name] for name in names], folders), strict=True))


def main(arguments: list[str]) -> int:
    """Run the projects whose names have all the words, and print what is wrong."""
    words = [word for word in arguments if not word.startswith("--")]
    names = [name for name, project in all_projects().items() if all(word in name for word in words) and not missing(project)]
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run_projects(names, Path(folder))
    for name, outcome in outcomes.items():
        print(f"\n{name}: {outcome.seconds:.1f} s")
        for row in all_projects()[name].rows:
            _tell(row, outcome, "--show" in arguments)
        print(outcome.died)
    return 0


def _tell(row: Row, outcome: Outcome, shows: bool) -> None:
    told = outcome.replays.get(row.what, {})
    problem = outcome.problem(row)
    print(f"  {'WRONG' if problem else 'right'}  {row.what} ({told.get('seconds', 0):.1f} s)")
    text = problem if problem else (told.get("text", "") if shows else "")
    print("".join(f"           {line}\n" for line in text.splitlines()), end="")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
