"""What is sent back: a page, a file, a refusal, each with headers that allow it nothing. It decides nothing."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, Final

from isfdb.display.safe import escape

HTML: Final = "text/html; charset=utf-8"

#: A page has one stylesheet, from here, and pictures that it holds itself. Nothing runs, nothing is asked of anybody else.
_POLICY: Final = "default-src 'none'; style-src 'self'; img-src data: 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_FILE_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
_ALWAYS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Connection", "close"),
)

#: Of one piece of an answer: a reader that takes longer has gone away, or means harm.
SEND_S: Final = 30.0
_PIECE_BYTES: Final = 1 << 16


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Attributes
    ----------
    status : int
    body : bytes
    kind : str
        Its media type.
    headers : tuple of (str, str)
        Besides those that every answer has.
    file : file, optional
        Sent in place of the body, and closed.
    size_bytes : int
        Of the file.
    """

    status: int
    body: bytes = b""
    kind: str = HTML
    headers: tuple[tuple[str, str], ...] = ()
    file: BinaryIO | None = None
    size_bytes: int = 0

    def head(self) -> bytes:
        """Return the status line and all headers."""
        policy = _POLICY if self.file is None else _FILE_POLICY
        size = self.size_bytes if self.file is not None else len(self.body)
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {size}",
            f"Content-Security-Policy: {policy}",
            *[f"{name}: {value}" for name, value in (*_ALWAYS, *self.headers)],
        ]
        return "\r\n".join([*lines, "", ""]).encode("ascii")


def refusal(status: int, title: str, *sentences: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return a plain page that says why nothing is shown, to somebody who may be a stranger: it names nothing of a database."""
    body = "".join([f"<p>{escape(sentence, 600)}</p>" for sentence in sentences])
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )
    return Answer(status, page.encode(), headers=headers)


def redirect(address: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Send the browser to another address of ours."""
    return Answer(303, headers=(("Location", address), *headers))


def send(connection: socket.socket, answer: Answer, *, with_body: bool = True) -> None:
    """Send an answer; a reader that has gone away is no error."""
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        if answer.file is not None:
            stack.enter_context(answer.file)
        connection.settimeout(SEND_S)
        connection.sendall(answer.head())
        for piece in _pieces(answer) if with_body else ():
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)


def _pieces(answer: Answer) -> Iterator[bytes]:
    if answer.file is None:
        yield from (answer.body[at : at + _PIECE_BYTES] for at in range(0, len(answer.body), _PIECE_BYTES))
        return
    left = answer.size_bytes  # no more than was announced, though the file may grow meanwhile
    while left > 0 and (piece := answer.file.read(min(_PIECE_BYTES, left))):
        left -= len(piece)
        yield piece
