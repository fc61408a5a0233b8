"""Only who brings the link comes in, only to our host names, and only to read."""

from __future__ import annotations

import pytest

METHODS = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]
FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "127.0.0.2",
    "10.0.0.1",
    "0.0.0.0",
    "[::2]",
    "localhost:80:80",
    "user@localhost",
    "",
]
#: Of every answer, whatever it is.
HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def test_the_link_gives_a_cookie_and_leads_to_an_address_without_the_token(db, serve):
    stranger = serve(db)
    page = stranger.ask(stranger.link)
    assert (page.status, page.headers["location"]) == (303, "/")
    name, _, rest = page.headers["set-cookie"].partition("=")
    assert name.startswith("isfdb-")
    assert rest.partition("; ")[2] == "Path=/; HttpOnly; SameSite=Strict"
    assert stranger.come_in().page("").status == 200


def test_a_link_opens_one_browser(db, serve):
    links: list[str] = []
    first = serve(db, when_used=links.append)
    used = first.link
    first.come_in()
    assert first.page("").status == 200
    second = serve(db)
    assert second.ask(used).status == 403
    other = type(first)(first.server)
    assert other.ask(used).status == 403
    assert links == [first.server.url]
    assert other.come_in().page("").status == 200


def test_who_is_in_may_open_a_used_link(db, serve):
    visitor = serve(db)
    link = visitor.link
    visitor.come_in()
    page = visitor.ask(f"/{db.id}/find{link[1:]}&q=rates")
    assert (page.status, page.headers["location"]) == (303, f"/{db.id}/find?q=rates")


def test_a_look_at_the_head_does_not_use_the_link_up(db, serve):
    visitor = serve(db)
    assert visitor.ask(visitor.link, "HEAD").status == 403
    assert visitor.come_in().page("").status == 200


def test_a_link_on_another_sites_page_lets_in_by_a_page_of_ours(db, serve):
    visitor = serve(db)
    page = visitor.ask(visitor.link, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status == 200
    assert '<meta http-equiv="refresh" content="0;url=/">' in page.text
    assert "token" not in page.text


@pytest.mark.parametrize(
    "address", ["/", "/style.css", "/{id}/", "/{id}/key?key=secret", "/?token=", "/?token=wrong", "/?token=%F0%9F%94%91"]
)
def test_without_the_link_nothing_is_told(address: str, db, serve):
    db["secret"] = 1
    page = serve(db).ask(address.format(id=db.id))
    assert page.status == 403
    assert "isfdb serve" in page.text
    assert db.name not in page.text
    assert db.id not in page.text
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize("cookie", ["isfdb=1", "{name}=", "{name}=x", "{name}", "; ; =", "{name}={name}"])
def test_a_wrong_cookie_is_no_cookie(cookie: str, db, serve):
    stranger = serve(db)
    stranger.cookie = cookie.format(name=stranger.server.gate.cookie_name)
    assert stranger.ask("/").status == 403


def test_servers_do_not_take_each_others_cookies_away(db, serve):
    assert serve(db).server.gate.cookie_name != serve(db).server.gate.cookie_name


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_another_host_name_is_refused_even_with_the_cookie(host: str, visitor):
    page = visitor.ask("/", headers={"Host": host})
    assert page.status == 403
    assert "ssh -N -L" in page.text


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1", "127.0.0.1:65535", "[::1]:8600", "localhost:9999"])
def test_a_tunnel_may_have_another_port(host: str, visitor):
    assert visitor.ask("/", headers={"Host": host}).status == 303


@pytest.mark.parametrize("method", METHODS)
def test_nothing_but_reading_is_done(method: str, visitor):
    page = visitor.ask("/", method)
    assert (page.status, page.headers["allow"]) == (405, "GET, HEAD")


def test_a_head_is_a_page_without_its_body(visitor):
    whole, head = visitor.page(""), visitor.ask(f"/{next(iter(visitor.server.site.databases()))}/", "HEAD")
    assert head.status == 200
    assert head.body == b""
    assert abs(int(head.headers["content-length"]) - len(whole.body)) < 100


def test_every_answer_has_the_strict_headers(db, visitor):
    db["k"] = 1
    for page in (visitor.page(""), visitor.ask("/style.css"), visitor.page("file", key="k", version=1, name="metadata.json"),
                 visitor.page("no"), visitor.ask("/", "POST"), visitor.ask("/", headers={"Host": "evil.example"})):  # fmt: skip
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert HEADERS.items() <= page.headers.items()
        assert "server" not in page.headers


def test_it_listens_on_this_computer_only(visitor):
    assert visitor.server.server_address[0] == "127.0.0.1"
