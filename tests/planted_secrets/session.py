"""A notebook full of planted secrets, in a process of its own: ``python -m tests.planted_secrets.session SEED FOLDER [arguments]``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.planted_secrets.planting import CELLS, ENVIRONMENT, MARKED, Planted

#: What is stored from time to time, so that every cell belongs to a slice.
STORE = 'db["value-{n}"] = {n} + length'


def main(seed: int, folder: Path) -> None:
    """Run the cells in `folder`."""
    planted = Planted(seed)
    run = _shell()
    run('import isfdb, sys\nsys.path[:0] = ["", "../outside"]\ndb = isfdb.open("../results")\nlength = 0')
    run("import lab_code, lab_untracked, lab_outside")
    run(f"__vsc_ipynb_file__ = '/home/me/{planted.secrets['path of the notebook']}.ipynb'")
    run("db['cell'] = 1", cell_id=f"vscode-notebook-cell:/home/{planted.secrets['id of a cell']}/a.ipynb#W0")
    for number, (kind, frame) in enumerate(CELLS.items()):
        run(planted.text(kind, frame))
        run(STORE.format(n=number))
    for number, kind in enumerate(MARKED):
        run(f"length = len('{planted.secrets[kind]}')  # {planted.secrets[kind]}")
        run(f"db['marked-{number}'] = length")
    for number, name in enumerate(ENVIRONMENT):
        run(f"text = 'connect with {planted.secrets[name]}'\nlength = len(text)\nprint(text)")
        run(f"db['environment-{number}'] = length")
    _inputs(run, planted)
    run("db['last'] = (length, lab_code.x, lab_untracked.x, lab_outside.x)")


def _inputs(run: Any, planted: Planted) -> None:
    """Read files whose names hold secrets, and a database at a URL with one."""
    name, inner = planted.secrets["name of an input"], planted.secrets["folder of an input"]
    run("import pathlib\nhere = pathlib.Path('.')")
    run(f"text = (here / 'table-{name}.csv').read_text()\ndb['input-1'] = text")
    run(f"text = open('in-{inner}/a.csv').read()\ndb['input-2'] = text")
    url = f"file:lab.sqlite?mode=rwc&password={planted.secrets['url of an input']}"
    run(f"import sqlite3\ncon = sqlite3.connect('{url}', uri=True)\nrows = con.execute('select 1').fetchall()\ndb['input-3'] = rows")
    run(f"import numpy as np\nnoise = np.random.rand(2)  # {planted.secrets['line of a risk']}\ndb['noise'] = noise")
    run(f"out = here / 'out-{planted.secrets['name of a written file']}.txt'\nout.write_text('x')\ndb['output'] = out.read_text()")


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    return lambda source, **facts: shell.run_cell(source, store_history=True, **facts)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
