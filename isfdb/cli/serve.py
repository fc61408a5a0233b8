"""``isfdb serve``: browsable pages about databases, live, on this computer, for whoever has the link; read only."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from isfdb.cli.common import add_json, open_to_read
from isfdb.display.safe import visible_lines
from isfdb.errors import OptionError

if TYPE_CHECKING:
    from isfdb.cli.terminal import Terminal
    from isfdb.serving.server import Server

SUMMARY = "show databases in a browser, live and read only"
EXAMPLES = """
isfdb serve results                          open the link that is printed; Ctrl-C ends it
isfdb serve results old_results              several databases
isfdb serve --registry                       all registered databases
isfdb serve results --port 8600              a port of your choice, for a tunnel
isfdb serve results --token-file link.txt    the link into a file only you can read, not into a log

on a cluster, from your own computer: ssh -N -L 8600:127.0.0.1:8600 NODE
and open the link there; the local port may be another one
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb understands."""
    parser.add_argument("db", nargs="*", metavar="DB", help="databases: folders, or names or ids in the registry")
    parser.add_argument("--registry", action="store_true", help="serve all registered databases that are there")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="port to listen on (default: any that is free)")
    parser.add_argument("--token-file", metavar="F", help="write the link into this file, for your eyes only, and do not print it")
    add_json(parser)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535")
    return int(text)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Serve until Ctrl-C or SIGTERM; both are how it is meant to end."""
    from isfdb.serving.server import Server
    from isfdb.serving.site import Site, given, registered

    if bool(arguments.db) == arguments.registry:
        raise OptionError("say which databases to serve, isfdb serve DB, or serve all: isfdb serve --registry")
    find = registered if arguments.registry else given([open_to_read(one) for one in arguments.db])
    teller = _Teller(arguments, terminal)
    handler = logging.StreamHandler()
    handler.setFormatter(_Visible("isfdb serve: %(message)s"))
    logging.getLogger("isfdb.serving").addHandler(handler)
    with Server(Site(find), arguments.port, teller.next_link) as server, _Ending() as ending:
        teller.begin(server)
        try:
            server.serve_until(ending.is_asked_for)
            terminal.say("isfdb serve: ended")
        finally:
            teller.end()
    return 0


class _Visible(logging.Formatter):
    """Writes nothing that could act on the terminal: a database's texts may stand in a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return what is written of a record."""
        return visible_lines(super().format(record))


class _Teller:
    """Tells the user the link, and the next one when it has been used."""

    def __init__(self, arguments: argparse.Namespace, terminal: Terminal) -> None:
        self._file: str | None = arguments.token_file
        self._json: bool = arguments.json
        self._terminal = terminal

    def begin(self, server: Server) -> None:
        link = server.url
        if self._file:
            _write_private(self._file, f"{link}\n")
        databases = [{"id": one.slug, "name": one.name, "path": one.path} for one in server.site.databases().values()]
        members: dict[str, Any] = {"port": server.port, "databases": databases, "url": None if self._file else link}
        self._terminal.say("\n".join(self._lines(server.port, link)))
        if self._json:
            self._terminal.answer(members, "")
        sys.stdout.flush()  # it may be a pipe, and the next line comes when somebody has looked

    def _lines(self, port: int, link: str) -> list[str]:
        where = f"the link is in {self._file}" if self._file else link
        lines = ["Read only, for this computer, until Ctrl-C. The link opens one browser:", f"  {where}"]
        if os.environ.get("SSH_CONNECTION") or self._file:
            lines.append(f"From your own computer first make a tunnel: ssh -N -L {port}:127.0.0.1:{port} {_host()}")
        return lines

    def next_link(self, link: str) -> None:
        """Tell the link for another browser."""
        if self._file:
            _write_private(self._file, f"{link}\n")
        else:
            self._terminal.say(f"The link was used. For another browser:\n  {link}")

    def end(self) -> None:
        if self._file and os.path.exists(self._file):
            os.unlink(self._file)


def _host() -> str:
    import socket

    return socket.gethostname()


def _write_private(path: str, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all."""
    staged = f"{path}.{os.getpid()}.part"
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(staged, path)


class _Ending:
    """Knows whether Ctrl-C or SIGTERM asked for the end; neither interrupts what runs."""

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[int, Any] = {}

    def is_asked_for(self) -> bool:
        return self._asked

    def __enter__(self) -> _Ending:
        self._before = {one: signal.signal(one, self._ask) for one in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _ask(self, *_: object) -> None:
        self._asked = True
