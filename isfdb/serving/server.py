"""The server: listens on this computer only, lets in who may look, and limits what each may ask for. `site.py` makes the pages."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import socketserver
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from isfdb.errors import OptionError
from isfdb.serving.answers import Answer, redirect, refusal, send
from isfdb.serving.gate import PARAMETER, Gate, is_ours
from isfdb.serving.heads import BadRequestError, Request, parse, read_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from isfdb.serving.site import Site

HOST: Final = "127.0.0.1"

#: Open at once. Whoever is on this computer can connect; what is beyond this is closed at once.
MOST_CONNECTIONS: Final = 64
#: Pages made and files sent at once; others wait so long.
MOST_AT_WORK: Final = 8
WAIT_S: Final = 30.0
_ASK_AGAIN_S: Final = 0.2

logger = logging.getLogger(__name__)

_PATH: Final = re.compile(r"/(?:[A-Za-z0-9._~-]+/?)*")

_NOT_KNOWN: Final = (
    "This page is for whoever has the link that isfdb serve printed where it was started.",
    "Such a link opens one browser, once. For another one take the link that was printed last, or start isfdb serve again.",
)
_WRONG_HOST: Final = (
    "Open this page as http://127.0.0.1 or http://localhost, with the port.",
    "From another computer make a tunnel: ssh -N -L PORT:127.0.0.1:PORT HOST, and open the link there.",
)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves a site on this computer.

    Parameters
    ----------
    site : Site
    port : int
        0: any that is free.
    when_used : callable, optional
        Told the next address to open, once one has been used.

    Raises
    ------
    OptionError
        The port cannot be had.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, site: Site, port: int = 0, when_used: Callable[[str], None] | None = None) -> None:
        self.site = site
        self._connections = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._at_work = threading.BoundedSemaphore(MOST_AT_WORK)
        self._tell = when_used
        self.gate = Gate(self._used)
        try:
            super().__init__((HOST, port), socketserver.BaseRequestHandler)
        except OSError as error:
            cure = "Choose another, or leave --port away: then a free one is taken."
            raise OptionError(f"cannot listen on port {port} of this computer: {error.strerror}. {cure}", port=port) from error

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """The address that opens the next browser."""
        return self._address(self.gate.token)

    def _address(self, token: str) -> str:
        return f"http://{HOST}:{self.port}/?{urlencode({PARAMETER: token})}"

    def _used(self, token: str) -> None:
        if self._tell is not None:
            self._tell(self._address(token))

    def serve_until(self, is_over: Callable[[], bool]) -> None:
        """Answer until told that it is over, which is asked a few times a second.

        A signal's handler must not raise here instead: an exception could come up at any line of the library, also where it is taken
        for a request that failed, and the server would go on.
        """
        self.timeout = _ASK_AGAIN_S
        while not is_over():
            self.handle_request()

    # One connection -----------------------------------------------------------------------------------------------------------------

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection up in a thread of its own, unless there are too many."""
        if not self._connections.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._connections.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request, and close."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Read what is asked, and answer it."""
        connection: socket.socket = request
        try:
            head = read_head(connection)
            if not head:
                return
            asked = parse(head)
        except BadRequestError as error:
            send(connection, refusal(error.status, "Not understood", f"{error.because[0].upper()}{error.because[1:]}."))
            _drain(connection)
            return
        except OSError:
            return  # gone before it said anything
        self._answer(connection, asked)

    def _answer(self, connection: socket.socket, asked: Request) -> None:
        with_body = asked.method != "HEAD"
        refused = self._refused(asked)
        if refused is not None:
            send(connection, refused, with_body=with_body)
            _drain(connection)
        elif self._at_work.acquire(timeout=WAIT_S):
            try:
                send(connection, self.site.answer(asked), with_body=with_body)
            finally:
                self._at_work.release()
        else:
            busy = "Too much is asked for at once. Try again in a while."
            send(connection, refusal(503, "Busy", busy, headers=(("Retry-After", "10"),)), with_body=with_body)

    def _refused(self, asked: Request) -> Answer | None:
        """Return why a request is not answered, or what lets its browser in; None for those that are in."""
        if not is_ours(asked.headers.get("host", "")):
            return refusal(403, "Not this way", *_WRONG_HOST)
        if asked.method not in ("GET", "HEAD"):
            return refusal(405, "Nothing can be changed here", "These pages are for reading.", headers=(("Allow", "GET, HEAD"),))
        known, token = self.gate.knows(asked), asked.query.get(PARAMETER)
        if known and token is None:
            return None
        if known:
            return redirect(_without_token(asked))
        if token is not None and asked.method == "GET" and self.gate.opens(token):
            return _welcome(asked, self.gate.set_cookie)
        return refusal(403, "Not without the link", *_NOT_KNOWN)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note an error that was not expected; the server goes on."""
        logger.exception("a request failed")  # noqa: LOG004 - socketserver calls this where it has caught the error


def _without_token(asked: Request) -> str:
    rest = {name: value for name, value in asked.query.items() if name != PARAMETER}
    path = asked.path if _PATH.fullmatch(asked.path) else "/"  # what begins with two slashes is another site's address
    return f"{path}{f'?{urlencode(rest)}' if rest else ''}"


def _welcome(asked: Request, cookie: str) -> Answer:
    """Give a browser its cookie, and send it to the address without the token."""
    headers, address = (("Set-Cookie", cookie),), _without_token(asked)
    if asked.headers.get("sec-fetch-site", "none") in ("none", "same-origin", "same-site"):
        return redirect(address, headers)
    # Where the link stood on another site's page, a browser keeps a strict cookie back until a page of ours asks.
    return _by_ones_own_page(address, headers)


def _by_ones_own_page(address: str, headers: tuple[tuple[str, str], ...]) -> Answer:
    from isfdb.display.safe import escape

    to = escape(address, 20_000)
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={to}">'
        f'<title>isfdb</title></head><body><main><h1>Welcome</h1><p><a href="{to}">To the pages</a></p></main></body></html>\n'
    )
    return Answer(200, page.encode(), headers=headers)


def _drain(connection: socket.socket) -> None:
    """Take what was sent besides, a little of it: closing on unread bytes could take the answer back from the network."""
    with contextlib.suppress(OSError):
        connection.settimeout(0.5)
        for _ in range(16):
            if not connection.recv(4096):
                return
