"""Reads the head of one HTTP request from a socket, strictly: within a time, up to a size, nothing doubtful. It answers nothing.

The head is all there is: only GET and HEAD are answered, and a body is never looked at.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

#: Of the request line and all headers together: a key takes 3,000 bytes at most, and three times that in an address.
MOST_BYTES: Final = 32_768
#: In which all of the head must have arrived, however many small pieces it comes in.
HEAD_S: Final = 10.0

_MOST_HEADERS: Final = 64
_MOST_PARAMETERS: Final = 16
_LINE: Final = re.compile(r"([A-Z]{1,20}) (/[!-~]*) HTTP/1\.[01]")
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([ -~\t\x80-\xff]*)")


class BadRequestError(Exception):
    """A request that is answered with its status, and not looked at any further. Never reaches a user of the library."""

    def __init__(self, status: int, because: str) -> None:
        super().__init__(because)
        self.status = status
        self.because = because


@dataclass(frozen=True)
class Request:
    """What a browser asks.

    Attributes
    ----------
    method : str
    path : str
        As it was sent: nothing in it is decoded, so nothing can lead anywhere else.
    query : mapping
        The parameters, decoded; of those given twice the last.
    headers : mapping
        Names in small letters.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def cookies(self) -> Mapping[str, str]:
        """What the browser sent as cookies."""
        pairs = [pair.strip().partition("=") for pair in self.headers.get("cookie", "").split(";")]
        return {name: value for name, _, value in pairs if name}


def read_head(connection: socket.socket, *, within_s: float = HEAD_S) -> bytes:
    """Return the request line and the headers; nothing where the other side closed without a word.

    Raises
    ------
    BadRequestError
        It took too long, or is too large.
    """
    give_up, head = time.monotonic() + within_s, b""
    while b"\r\n\r\n" not in head:
        left_s = give_up - time.monotonic()
        if left_s <= 0:
            raise BadRequestError(408, "the request did not arrive in time")
        connection.settimeout(left_s)
        try:
            piece = connection.recv(4096)
        except TimeoutError:
            continue
        if not piece:
            if not head:
                return b""
            raise BadRequestError(400, "the request ended before its head was whole")
        head += piece
        if len(head) > MOST_BYTES:
            raise BadRequestError(431, f"the request is larger than {MOST_BYTES:,} bytes")
    return head.partition(b"\r\n\r\n")[0]


def parse(head: bytes) -> Request:
    """Return what a head asks.

    Raises
    ------
    BadRequestError
        It is not what a browser sends.
    """
    line, *lines = head.decode("latin-1").split("\r\n")
    match = _LINE.fullmatch(line)
    if match is None:
        raise BadRequestError(400, "the request line is not understood")
    path, _, query = match[2].partition("?")
    return Request(match[1], path, _parameters(query), _headers(lines))


def _headers(lines: list[str]) -> dict[str, str]:
    if len(lines) > _MOST_HEADERS:
        raise BadRequestError(431, f"the request has more than {_MOST_HEADERS} headers")
    found: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise BadRequestError(400, "a header is not understood")
        name = match[1].lower()
        if name in found and name in ("host", "cookie"):
            raise BadRequestError(400, f"there are two headers {name}")
        found[name] = match[2].strip()
    return found


def _parameters(query: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS))
    except ValueError as error:
        raise BadRequestError(400, "the address is not understood") from error
