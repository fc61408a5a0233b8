"""Does with a database all that a careful user might do, watched: what ran, what was opened, what was written, what came out."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import sys
import traceback
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

#: Events of Python that no look at a database has a reason for.
FORBIDDEN = re.compile(
    r"os\.(system|exec|fork|forkpty|posix_spawn|spawn|startfile|kill|chmod|chown|setxattr)|subprocess\.Popen|pty\.spawn"
    r"|pickle\.find_class|socket\.(connect|bind|sendto|getaddrinfo|gethostbyname)|urllib\.Request|(ftplib|smtplib|poplib|imaplib)\..*"
    r"|webbrowser\.open|builtins\.(input|breakpoint)|cpython\.run_.*|shutil\.(make_archive|unpack_archive)|os\.mkfifo"
)

#: Modules that only a name in a hostile file would have imported.
PLANTED_MODULES = re.compile(r"antigravity|this|planted\w*|pty|turtledemo.*|idlelib.*|lib2to3.*")

MEMORY_BYTES = 1 << 30
CPU_S = 60

_events: list[str] = []
_is_watching = _is_installed = False
_forbidden_paths: tuple[str, ...] = ()


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _is_watching:
        return
    if FORBIDDEN.fullmatch(event) and not _is_harmless(event, arguments):
        _events.append(f"{event}{arguments!r:.200} at {_where()}")
    elif event == "import" and PLANTED_MODULES.fullmatch(str(arguments[0])):
        _events.append(f"import of {arguments[0]}")
    elif event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if _forbidden_paths and path.startswith(_forbidden_paths):
            _events.append(f"open of {path} at {_where()}")


def _is_harmless(event: str, arguments: tuple[Any, ...]) -> bool:
    """Say whether a library does this while it is imported, or isfdb, in a checkout, to know its own version."""
    frames = {frame.filename for frame in traceback.extract_stack()}
    if event == "pickle.find_class":
        is_of_dask = str(arguments[0]).startswith(("dask.", "loaderdumpers."))  # which pickles its own plans, and reads them back
        return is_of_dask or any(name.startswith("<frozen importlib") for name in frames)
    return event == "subprocess.Popen" and any(name.endswith("/isfdb/_version.py") for name in frames)


def _where() -> str:
    frames = [frame for frame in traceback.extract_stack() if "/isfdb/" in frame.filename or "/loaderdumpers/" in frame.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


@contextlib.contextmanager
def watched(*forbidden_paths: str) -> Iterator[list[str]]:
    """Note every forbidden event while the block lasts. Python never gives up an audit hook: call it in a process of its own."""
    global _is_watching, _is_installed, _forbidden_paths
    if not _is_installed:
        sys.addaudithook(_hear)
    _forbidden_paths, _is_watching, _is_installed = forbidden_paths, True, True
    try:
        yield _events
    finally:
        _is_watching = False


class _Page(HTMLParser):
    """Finds in a piece of HTML what could run, or be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "base", "form", "link") or ("http-equiv", "refresh") in attrs:
            self.found.append(f"<{tag} {attrs}>")
        for name, value in attrs:
            target = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name == "srcdoc":
                self.found.append(f"{name}={value}")
            if name in ("href", "src", "action", "xlink:href") and not target.startswith(
                ("#", "http://", "https://", "data:image/", "isfdb:")
            ):
                self.found.append(f"{name}={value}")


def unsafe_html(page: str) -> list[str]:
    """Return what in a page could run or is fetched from elsewhere."""
    parser = _Page()
    parser.feed(page)
    parser.close()
    return parser.found


def unsafe_text(text: str) -> list[str]:
    """Return the characters of a text that would act on a terminal or turn the direction of writing."""
    return sorted(
        {
            f"U+{ord(sign):04X}"
            for sign in text
            if (ord(sign) < 32 and sign not in "\n\t")
            or 127 <= ord(sign) < 160
            or sign in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        }
    )


class Visit:
    """One visit, and what came of each step."""

    def __init__(self, path: str, scratch: str, trust: bool) -> None:
        self.path, self.scratch, self.trust = path, scratch, trust
        self.outcomes: dict[str, str] = {}
        self.faults: list[str] = []
        self._n = 0

    def step(self, name: str, act: Callable[[], Any]) -> Any:
        """Do something; note what it gave, and as a fault any error that is not ours."""
        from isfdb.errors import IsfdbError

        try:
            value = act()
        except IsfdbError as error:
            self.outcomes[name] = type(error).__name__
            if found := unsafe_text(str(error).replace("\n", "")):
                self.faults.append(f"{name}: the message of {type(error).__name__} holds {found}")
            return None
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            place = traceback.extract_tb(error.__traceback__)
            self.outcomes[name] = f"! {type(error).__name__}"
            at = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in place][-6:]
            self.faults.append(f"{name}: {type(error).__name__}: {str(error)[:200]} at {' < '.join(reversed(at))}")
            return None
        self.outcomes[name] = f"a {type(value).__name__}"
        return value

    def shown(self, name: str, act: Callable[[], Any]) -> None:
        """Show something as text and as HTML."""
        thing = self.step(name, act)
        if thing is None:
            return
        bundle = self.step(
            f"{name}, bundle", lambda: thing._repr_mimebundle_() if hasattr(thing, "_repr_mimebundle_") else {"text/plain": repr(thing)}
        )
        for kind, text in (bundle or {}).items():
            if kind == "text/html" and (found := unsafe_html(text)):
                self.faults.append(f"{name}: HTML holds {found[:3]}")
            if kind == "text/plain" and (found := unsafe_text(text)):
                self.faults.append(f"{name}: text holds {found}")

    def command(self, *words: str) -> None:
        """Run a command line here, and look at what it prints."""
        from isfdb.cli.main import main

        out, err = io.StringIO(), io.StringIO()
        name = f"isfdb {' '.join(words[:1])}"
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = self.step(name, lambda: main(list(words)))
        printed = out.getvalue() + err.getvalue()
        self.outcomes[name] = f"status {status}"
        if "a fault in isfdb" in printed:
            self.faults.append(f"{name}: {printed[-600:]}")
        if "--json" not in words and (found := unsafe_text(printed)):
            self.faults.append(f"{name}: prints {found}")

    # What is done ------------------------------------------------------------------------------------------------------------------

    def all(self) -> None:
        """Open it, look at everything, read everything."""
        import isfdb

        db = self.step("open", lambda: isfdb.open(self.path, "r", trust=self.trust))
        if db is None:
            self.command("ls", self.path)
            self.command("verify", self.path)
            return
        self._look(db)
        for key in self.step("keys", lambda: db.keys(recurse=True)) or ():
            self._key(db, key)
        self._write_out(db)

    def _look(self, db: Any) -> None:
        import isfdb

        self.shown("db", lambda: db)
        self.shown("ls", lambda: db.ls())
        self.step("len", lambda: (len(db), list(db), db._ipython_key_completions_()))
        self.shown("verify", lambda: isfdb.verify(db))
        self.shown("find", lambda: isfdb.find(db, "stranger"))
        self.shown("find stale", lambda: isfdb.find(db, "stale:yes"))
        self.step("collect", lambda: db.collect(dry_run=True))
        self.shown("audit", lambda: isfdb.audit(db, replay=False))

    def _key(self, db: Any, key: str) -> None:
        import isfdb

        entry = self.step(f"{key}: entry", lambda: db.entry(key))
        self.shown(f"{key}: entry", lambda: entry)
        for fact in ("metadata", "attributes", "describe", "nbytes", "code", "session", "inputs", "risks", "path", "versions"):
            self.step(f"{key}: {fact}", lambda fact=fact: repr(getattr(entry, fact)) if entry is not None else None)
        self.shown(f"{key}: versions", lambda: db.versions(key))
        self.shown(f"{key}: lineage", lambda: isfdb.lineage(db, key))
        self.shown(f"{key}: code", lambda: isfdb.code(db, key))
        self.step(f"{key}: read", lambda: self._used(db[key]))
        self.command("show", self.path, key, "--preview")

    def _used(self, value: Any) -> Any:
        """Look at a value a little, so that a lazy one is read."""
        import numpy

        if hasattr(value, "compute"):
            value = value.compute(scheduler="synchronous")
        elif hasattr(value, "shape") and hasattr(value, "dtype"):
            numpy.asarray(value)
        repr(value)
        return value

    def _write_out(self, db: Any) -> None:
        import isfdb

        page = Path(self.scratch, "report.html")
        self.step("report", lambda: isfdb.report(db, page))
        if page.exists() and (found := unsafe_html(page.read_text(encoding="utf-8"))):
            self.faults.append(f"report: HTML holds {found[:3]}")
        self.step("export", lambda: isfdb.export(db, Path(self.scratch, "bundle"), format="bundle", inputs=True))
        for verb in ("ls", "log", "verify"):
            self.command(verb, self.path)


def digest_of_tree(path: str) -> dict[str, Any]:
    """Return what tells whether anything below a folder changed: no file is opened, for one may be a pipe."""
    found = {}
    for folder, below, names in os.walk(path):
        for name in [*below, *names]:
            facts = os.lstat(os.path.join(folder, name))
            found[os.path.relpath(os.path.join(folder, name), path)] = (facts.st_mode, facts.st_size, facts.st_mtime_ns, facts.st_nlink)
    return found


def visit(path: str, scratch: str, forbidden: tuple[str, ...] = (), *, trust: bool = False, weakness: str = "") -> dict[str, Any]:
    """Visit a database in this process, which must be one made for it, and return what came of it."""
    import isfdb

    _ = isfdb.__version__  # which asks git, in a checkout of isfdb
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_BYTES, now + MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
    exec(weakness)
    made, before = Visit(path, scratch, trust), digest_of_tree(path)
    with watched(*forbidden) as events:
        made.all()
    changed = sorted(name for name, _ in set(before.items()) ^ set(digest_of_tree(path).items()))
    return {"events": sorted(set(events)), "faults": made.faults, "outcomes": made.outcomes, "changed": changed}


def main() -> None:
    """Visit what standard input names, one line of JSON each, in a forked process each, and answer with one line each."""
    for line in sys.stdin:
        asked = json.loads(line)
        asked["forbidden"] = tuple(asked["forbidden"])
        print(json.dumps(visit(**asked)), flush=True)


if __name__ == "__main__":
    main()
