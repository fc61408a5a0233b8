"""Secrets of many kinds, and where a session of the planted-secrets test puts each. None stands here as it is: each is made at run time.

``{s}`` stands for the secret in the text that carries it.
"""

from __future__ import annotations

import random
import string
from dataclasses import dataclass, field
from pathlib import Path

_LETTERS = string.ascii_letters + string.digits
_UPPER = string.ascii_uppercase + string.digits
_HEX = "0123456789abcdef"

#: Secrets that carry a mark of their own, so that they are known anywhere: what stands before, length, alphabet.
MARKED = {
    "aws access key": ("AKIA", 16, _UPPER),
    "gcp api key": ("AIza", 35, _LETTERS),
    "google oauth": ("ya29.", 60, _LETTERS),
    "github classic": ("ghp_", 36, _LETTERS),
    "github oauth": ("gho_", 36, _LETTERS),
    "gitlab": ("glpat-", 20, _LETTERS),
    "npm": ("npm_", 36, _LETTERS),
    "pypi": ("pypi-AgEIcHlwaS5vcmc", 120, _LETTERS),
    "docker": ("dckr_pat_", 27, _LETTERS),
    "anthropic": ("sk-ant-api03-", 90, _LETTERS),
    "openai": ("sk-proj-", 60, _LETTERS),
    "huggingface": ("hf_", 34, _LETTERS),
    "slack": ("xoxb-1234567890-", 24, _LETTERS),
    "stripe": ("sk_live_", 24, _LETTERS),
    "sendgrid": ("SG." + "a1B2" * 5 + "c3." , 43, _LETTERS),
    "shopify": ("shpat_", 32, _HEX),
    "digitalocean": ("dop_v1_", 64, _HEX),
    "vault": ("hvs.", 90, _LETTERS),
    "notion": ("ntn_", 46, _LETTERS),
    "grafana": ("glsa_" + "Ab1" * 10 + "Z9_", 8, _HEX),
}  # fmt: skip

#: Cells in which a secret without a mark is given away by where it stands.
CELLS = {
    "password in a cell": 'password = "{s}"\nlength = len(password)',
    "password as an argument": 'def connect(**kw): return len(kw)\nlength = connect(user="me", passwd="{s}")',
    "key in a dictionary": 'config = {{"user": "me", "api_key": "{s}"}}\nlength = len(config)',
    "token as an attribute": 'import types\nclient = types.SimpleNamespace()\nclient.secret_key = "{s}"\nlength = len(client.secret_key)',
    "environment set in python": 'import os\nos.environ["WANDB_API_KEY"] = "{s}"\nlength = len(os.environ["WANDB_API_KEY"])',
    "environment set by magic": "%env LAB_TOKEN={s}",
    "password in a url": 'url = "https://me:{s}@data.example.org/table.csv"\nlength = len(url)',
    "password of a database": 'engine = "postgresql://me:{s}@db.example.org:5432/lab"\nlength = len(engine)',
    "token in a query": 'address = "https://example.org/api?x=1&access_token={s}&y=2"\nlength = len(address)',
    "authorization header": 'headers = {{"Authorization": "Bearer {s}"}}\nlength = len(headers)',
    "password in a shell line": "!echo curl -s -u me:{s} example > /dev/null",
    "secret exported in a shell cell": "%%bash\nexport DB_PASSWORD={s}\necho done > /dev/null",
    "password in a magic of a cell": "%%writefile login.ini\n[db]\nuser = me\npassword = {s}\n",
    "private key": (
        'key = """-----BEGIN RSA PRIVATE ' + "KEY-----\\n{s}{s}\\n-----END RSA PRIVATE " + 'KEY-----"""\nlength = len(key)'
    ),
    "password shown": 'password = "{s}"\npassword',
    "password printed": 'password = "{s}"\nprint("the password is", password)',
    "password in a failed cell": 'raise ConnectionError("cannot reach https://me:{s}@db.example.org/lab")',
    "password in the message of an error": 'secret_token = "{s}"\nraise ValueError(f"refused: token={{secret_token}}")',
    "password in a cell that is no Python": 'password = "{s}" = 2',
    "password of a file name": 'open("https://me:{s}@example.org/a.csv")',
    "argument of a process": 'import subprocess, sys\nsubprocess.run([sys.executable, "-c", "pass", "--password", "{s}"])',
    "connection string": 'CONNECTION_STRING = "Server=db;User Id=me;Password={s};Encrypt=yes"\nlength = len(CONNECTION_STRING)',
}  # fmt: skip

#: Names of environment variables that hold secrets when the process starts; each is used in a cell's text, without its name.
ENVIRONMENT = ("LAB_PASSWORD", "DATABASE_TOKEN", "S3_SECRET_ACCESS_KEY", "OPENAI_API_KEY")

#: Lines of source files: in the patch of a work tree, untracked in it, and outside of any.
SOURCES = {
    "password in a patch": 'DB_PASSWORD = "{s}"\n',
    "removed line of a patch": 'OLD_API_KEY = "{s}"\n',
    "untracked source": 'api_key: str = "{s}"\n',
    "module outside of git": 'client_secret = "{s}"\n',
    "settings beside the notebook": '{{"access_token": "{s}"}}\n',
    "notebook in the work tree": (
        '{{"cells": [{{"cell_type": "code", "source": ["api_key = \\"{s}\\"\\n"], "outputs": [{{"text": "the password is {s}"}}]}}]}}\n'
    ),
}  # fmt: skip

#: Elsewhere in the surroundings of a session.
ELSEWHERE = (
    "git remote",
    "option of the command line",
    "marked argument",
    "name of an input",
    "folder of an input",
    "url of an input",
    "commit of git",
    "branch of git",
    "id of a cell",
    "path of the notebook",
    "name of the session",
    "name of a written file",
    "working directory",
    "line of a risk",
)

#: Of these, those that nothing but a mark of their own gives away.
NEED_A_MARK = tuple(kind for kind in ELSEWHERE if kind not in ("git remote", "option of the command line", "url of an input"))


@dataclass
class Planted:
    """What was planted: kind -> secret."""

    seed: int
    secrets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make every secret."""
        self._random = random.Random(self.seed)
        for kind, (mark, length, alphabet) in MARKED.items():
            self.secrets[kind] = mark + self._chars(length, alphabet)
        for kind in [*CELLS, *ENVIRONMENT, *SOURCES, *ELSEWHERE]:
            self.secrets[kind] = self._chars(24, _LETTERS)
        for kind in NEED_A_MARK:
            self.secrets[kind] = "ghp_" + self._chars(36, _LETTERS)

    def _chars(self, count: int, alphabet: str) -> str:
        end = "aB3" if alphabet == _LETTERS else alphabet[-3:]
        return "".join(self._random.choice(alphabet) for _ in range(count - 3)) + end

    def text(self, kind: str, frame: str) -> str:
        """Return a text with the secret of a kind in it."""
        return frame.format(s=self.secrets[kind])

    def found_in(self, *folders: Path) -> dict[str, list[str]]:
        """Return what is found in any byte, or name, under folders: kind -> places. Where a format splits text, half of one counts."""
        places: dict[str, list[str]] = {}
        for path in [path for folder in folders for path in sorted(folder.rglob("*"))]:
            content = path.name.encode() + b"\n" + (_content(path) if path.is_file() else b"")
            for kind, secret in self.secrets.items():
                if secret[: len(secret) * 2 // 3].encode() in content or secret[len(secret) // 3 :].encode() in content:
                    places.setdefault(kind, []).append(str(path))
        return places


def _content(path: Path) -> bytes:
    """Return a file's bytes, and those of what it packs."""
    import gzip
    import io
    import zipfile

    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content += gzip.decompress(content)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content += b"".join(name.encode() + archive.read(name) for name in archive.namelist())
    return content
