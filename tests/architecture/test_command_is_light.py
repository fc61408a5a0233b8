"""A command imports the modules of its own verb only: what starts often starts fast."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SHOW = "import sys; from isfdb.cli.main import main\ntry: main({words!r})\nexcept SystemExit: pass\nprint(*sorted(sys.modules))"


def _modules(*words: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", _SHOW.format(words=list(words))], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [("--version",), ("ls", "{path}"), ("show", "{path}", "rates")])
def test_a_quick_verb_imports_no_other_verb_and_nothing_heavy(words: tuple[str, ...], db):
    db["rates"] = 1
    modules = _modules(*[word.format(path=db.path) for word in words])
    verbs = {name for name in modules if name.startswith("isfdb.cli.")}
    assert verbs <= {
        "isfdb.cli.main",
        "isfdb.cli.parsing",
        "isfdb.cli.verbs",
        "isfdb.cli.terminal",
        "isfdb.cli.common",
        f"isfdb.cli.{words[0]}",
    }
    assert not modules & {"numpy", "pandas", "IPython", "ipywidgets", "argcomplete", "dask", "matplotlib"}
