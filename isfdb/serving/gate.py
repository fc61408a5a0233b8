"""Who may look: whoever brings the link that was printed, and from then on the browser that brought it. It sends nothing.

A link opens one browser. Then it is worth nothing, in a history or a log, and the next one is handed out.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from collections.abc import Callable
from typing import Final

from isfdb.serving.heads import Request

#: Any port: through a tunnel the browser's is not ours. A page of the world cannot be called by these names, whatever DNS says.
_HOST: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)

#: The parameter of an address that holds the token.
PARAMETER: Final = "token"


class Gate:
    """Tokens and cookies of one server.

    Parameters
    ----------
    when_used : callable, optional
        Told the next token, once one has been used.
    """

    def __init__(self, when_used: Callable[[str], None] | None = None) -> None:
        # Cookies know no ports: servers of one user on one computer must not take each other's away.
        self.cookie_name = f"isfdb-{secrets.token_hex(4)}"
        self._cookie = secrets.token_urlsafe(32)
        self._token = secrets.token_urlsafe(32)
        self._when_used = when_used
        self._lock = threading.Lock()

    @property
    def token(self) -> str:
        """The token that opens the next browser."""
        return self._token

    @property
    def set_cookie(self) -> str:
        """What a browser is told that brought the token."""
        return f"{self.cookie_name}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"

    def knows(self, request: Request) -> bool:
        """Say whether the browser brought the token before."""
        return _same(request.cookies.get(self.cookie_name, ""), self._cookie)

    def opens(self, token: str) -> bool:
        """Say whether this is the token that was handed out last; if so, it is used up."""
        with self._lock:
            if not _same(token, self._token):
                return False
            self._token = secrets.token_urlsafe(32)
        if self._when_used is not None:
            self._when_used(self._token)
        return True


def is_ours(host: str) -> bool:
    """Say whether a request that names this host can come from a page of ours."""
    return _HOST.fullmatch(host) is not None


def _same(given: str, wanted: str) -> bool:
    """Compare in a time that does not tell how much of it was right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
