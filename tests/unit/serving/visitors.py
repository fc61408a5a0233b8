"""A real server on this computer, and a browser of the simplest kind: it keeps a cookie and does what it is told."""

from __future__ import annotations

import html
import http.client
import re
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import isfdb
from isfdb.serving.server import Server
from isfdb.serving.site import Site, given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Page:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def links(self) -> list[str]:
        return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', self.text)]


class Visitor:
    """Asks a server, with a cookie once it has one."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookie = ""

    def ask(self, address: str, method: str = "GET", headers: dict[str, str] | None = None) -> Page:
        """Ask once; nothing is followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            connection.request(method, address, headers={**({"Cookie": self.cookie} if self.cookie else {}), **(headers or {})})
            return Page(connection.getresponse())
        finally:
            connection.close()

    def come_in(self) -> Visitor:
        """Open the link."""
        page = self.ask(self.link)
        self.cookie = page.headers["set-cookie"].partition(";")[0]
        return self

    @property
    def link(self) -> str:
        """The link that was printed last, without the host."""
        return self.server.url.removeprefix(f"http://127.0.0.1:{self.server.port}")

    def page(self, page: str, /, **parameters: object) -> Page:
        """Ask for a page of the first database."""
        slug = next(iter(self.server.site.databases()))
        return self.ask(f"/{slug}/{page}{f'?{urlencode(parameters)}' if parameters else ''}")

    def say(self, *pieces: bytes, read_bytes: int = 1 << 20) -> bytes:
        """Send bytes as they are, and return what comes back."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as connection:
            for piece in pieces:
                connection.sendall(piece)
            answer = b""
            while len(answer) < read_bytes and (more := connection.recv(65536)):
                answer += more
            return answer


@contextmanager
def serving(*databases: Any, find: Callable[..., Any] | None = None, **options: Any) -> Iterator[Visitor]:
    """Serve databases while the block runs, and give somebody who has not come in yet."""
    server = Server(Site(find or given([isfdb.open(db.path, "r") for db in databases])), **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Visitor(server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
