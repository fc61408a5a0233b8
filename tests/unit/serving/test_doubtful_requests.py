"""Requests that no browser sends are refused, and none takes the server away from others."""

from __future__ import annotations

import socket
import time

import pytest

from isfdb.serving import server as server_module
from isfdb.serving.heads import MOST_BYTES, BadRequestError, parse, read_head

HOST = b"Host: localhost\r\n"


@pytest.mark.parametrize(
    "said",
    [
        b"GET http://evil.example/ HTTP/1.1\r\n" + HOST,
        b"GET / HTTP/2.0\r\n" + HOST,
        b"GET /\r\n",
        b"get / HTTP/1.1\r\n" + HOST,
        b"GET /a b HTTP/1.1\r\n" + HOST,
        b"GET /\0 HTTP/1.1\r\n" + HOST,
        b"GET /?key=%ff HTTP/1.1\r\n" + HOST,
        b"GET /?" + b"&".join([b"a=1"] * 50) + b" HTTP/1.1\r\n" + HOST,
        b"GET / HTTP/1.1\r\n" + HOST + HOST,
        b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: a=1\r\nCookie: b=1\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b" folded: yes\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X: \0\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n",
    ],
    ids=lambda said: repr(said[:40]),
)
def test_what_no_browser_sends_is_refused(said: bytes, visitor):
    assert visitor.say(said, b"\r\n").startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert visitor.page("").status == 200


@pytest.mark.parametrize("said", [b"GET /" + b"x" * MOST_BYTES, b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * MOST_BYTES])
def test_a_head_that_does_not_end_is_refused(said: bytes, visitor):
    assert visitor.say(said).startswith(b"HTTP/1.1 431 ")


def test_many_headers_are_refused(visitor):
    lines = b"".join([b"X-%d: 1\r\n" % number for number in range(200)])
    assert visitor.say(b"GET / HTTP/1.1\r\n", HOST, lines, b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_a_head_that_comes_in_drops_has_a_time_to_be_whole():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        began = time.monotonic()
        theirs.sendall(b"GET / HTTP/1.1\r\nX: ")
        with pytest.raises(BadRequestError, match="did not arrive in time"):
            read_head(ours, within_s=0.2)
        assert time.monotonic() - began >= 0.2


def test_who_says_nothing_does_not_keep_others_out(visitor):
    silent = [socket.create_connection(("127.0.0.1", visitor.server.port)) for _ in range(20)]
    try:
        assert visitor.page("").status == 200
    finally:
        for connection in silent:
            connection.close()


def test_beyond_so_many_connections_more_are_closed_at_once(db, serve, monkeypatch):
    monkeypatch.setattr(server_module, "MOST_CONNECTIONS", 2)
    visitor = serve(db)
    silent = [socket.create_connection(("127.0.0.1", visitor.server.port)) for _ in range(2)]
    try:
        waited = 0.0
        while visitor.server._connections._value and waited < 10:
            time.sleep(0.01)
            waited += 0.01
        with socket.create_connection(("127.0.0.1", visitor.server.port), timeout=10) as third:
            assert third.recv(10) == b""
    finally:
        for connection in silent:
            connection.close()


def test_where_too_much_is_asked_at_once_others_are_told_to_come_back(db, serve, monkeypatch):
    monkeypatch.setattr(server_module, "WAIT_S", 0.05)
    visitor = serve(db).come_in()
    for _ in range(server_module.MOST_AT_WORK):
        visitor.server._at_work.acquire()
    page = visitor.page("")
    assert (page.status, page.headers["retry-after"]) == (503, "10")
    for _ in range(server_module.MOST_AT_WORK):
        visitor.server._at_work.release()
    assert visitor.page("").status == 200


@pytest.mark.parametrize(
    "path",
    ["//evil.example/", "/..", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/{id}/../..", "/{id}/%2e%2e%2fisfdb.json", "/{id}/key%00",
     "/{id}/isfdb.json", "/{id}/rates.key/v000001/Loader.json", "/style.css/", "/{id}//", "/" + "a" * 9000, "/{id}/KEY", "/\\evil.example"],
)  # fmt: skip
def test_a_path_leads_to_a_page_or_nowhere(path: str, db, visitor):
    page = visitor.ask(path.format(id=db.id))
    assert page.status == 404
    assert "There is no such page" in page.text


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/%2f%2fevil.example", "/%0d%0aSet-Cookie:a=b"])
def test_the_link_leads_to_no_other_site(path: str, db, serve):
    visitor = serve(db)
    page = visitor.ask(f"{path}{visitor.link[1:]}")
    assert (page.status, page.headers["location"]) == (303, "/")


def test_line_ends_in_a_parameter_stay_in_it(db, serve):
    visitor = serve(db)
    page = visitor.ask(f"{visitor.link}&q=%0d%0aSet-Cookie:%20a=b")
    assert page.headers["location"] == "/?q=%0D%0ASet-Cookie%3A+a%3Db"


def test_a_head_is_parsed():
    asked = parse(b"GET /x/key?key=a%2Fb%26&version=2 HTTP/1.1\r\nHost: localhost\r\nCookie: a=1; b=2=3")
    assert (asked.method, asked.path, asked.query) == ("GET", "/x/key", {"key": "a/b&", "version": "2"})
    assert asked.cookies == {"a": "1", "b": "2=3"}
