"""The commands of docs/how-to/look-at-a-database-over-ssh.md, typed into a real bash."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "look-at-a-database-over-ssh.md"
_BLOCK = re.compile(r"(<!-- not run: [^\n]+ -->\n)?^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_commands_of_the_page_run(tmp_path: Path):
    page = PAGE.read_text(encoding="utf-8")
    prepared = page.partition("<!-- prepared:\n")[2].partition("-->")[0]
    (tmp_path / "prepare.py").write_text(prepared)
    subprocess.run([sys.executable, "prepare.py"], cwd=tmp_path, check=True, timeout=60)
    command = tmp_path / "isfdb"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m isfdb "$@"\n')
    command.chmod(0o755)
    script = "trap 'test $? -le 1 || exit 9' ERR\n" + "".join(block[2] for block in _BLOCK.finditer(page) if not block[1])
    surroundings = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    assert "firing_rates v3 is a copy of firing_rates" in done.stdout
    assert (tmp_path / "rates.npy").exists()
