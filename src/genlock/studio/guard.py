"""Who may talk to the studio: the right host, the same origin, the token. And what a browser may do with a page.

A web page of anybody's can make a browser send requests to this machine. Three doors are shut against it. A name that
was bound anew to 127.0.0.1 (DNS rebinding) comes with a foreign ``Host``. A request from another page comes with
its ``Origin`` or ``Sec-Fetch-Site``. And where other machines reach the address, every request must bring the token.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from genlock.studio.options import StudioOptions, is_loopback

__all__ = ["COOKIE", "Guard", "allowed_names", "host_name"]

#: The cookie that keeps the token.
COOKIE = "genlock-studio"
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Only what the studio itself serves: no remote script, style, picture or font, no inline script, no frame around it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'none'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def allowed_names(options: StudioOptions) -> frozenset[str]:
    """The host names by which a browser may call the studio.

    >>> sorted(allowed_names(StudioOptions(allow_host="cut.example")))
    ['127.0.0.1', '::1', 'cut.example', 'localhost']
    """
    names = {"127.0.0.1", "::1", "localhost", options.host.lower()}
    if not is_loopback(options.host):
        names |= {socket.gethostname().lower()}
    names |= {name.strip().lower() for name in (options.allow_host or "").split(",") if name.strip()}
    return frozenset(names)


def host_name(header: str) -> str:
    """The name in a ``Host`` header, without its port, in small letters.

    >>> host_name("LocalHost:8750"), host_name("[::1]:8750"), host_name("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    """
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


class Guard:
    """Stands before the application, refuses what may not pass, and puts the policy on every answer.

    Parameters
    ----------
    app : the ASGI application behind it
    names : host names that are ours
    token : what every request must bring; None: nothing
    any_address : whether plain IP addresses are ours too: an address cannot be bound anew, a name can
    """

    def __init__(
        self, app: App, names: Iterable[str], token: str | None = None, *, any_address: bool = False
    ) -> None:
        self._app, self._names, self._token = app, frozenset(names), token
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # nothing of ours talks through websockets
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        refused = self._refusal(scope, headers)
        if refused is not None:
            await _answer(send, *refused)
            return
        entered = self._entrance(scope)
        if entered is not None:
            await _answer(send, 303, "", [("location", "/"), ("set-cookie", entered)])
            return
        if self._token is not None and not self._holds_token(headers):
            await _answer(send, 401, "the studio asks for its token: open the address that it printed")
            return

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_raw(_HEADERS.items())]
            await send(message)

        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and reason where a request may not pass; None: it may."""
        host = headers.get("host", "")
        if not self._is_ours(host_name(host)):
            return 421, "this host name is not the studio's; --allow-host names those that are"
        origin = headers.get("origin")
        if origin is not None and (urlsplit(origin).netloc.lower() != host.lower()):
            return 403, "a page of another origin may not call the studio"
        site = headers.get("sec-fetch-site", "none")
        # A link on another page may open the studio's own page; it may not read or do anything.
        opens_the_page = scope["method"] == "GET" and scope["path"] == "/"
        if site not in ("same-origin", "none") and not opens_the_page:
            return 403, "a request from another site is refused"
        if scope["method"] not in _SAFE | {"POST", "PUT", "DELETE"}:
            return 405, "this method is not known"
        return None

    def _is_ours(self, name: str) -> bool:
        if name in self._names:
            return True
        if not self._any_address:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _entrance(self, scope: Scope) -> str | None:
        """The cookie for whoever comes with the right token in the address of the page."""
        if self._token is None or scope["path"] != "/" or scope["method"] != "GET":
            return None
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if not _same(given, self._token):
            return None
        return f"{COOKIE}={quote(self._token)}; Path=/; HttpOnly; SameSite=Strict"

    def _holds_token(self, headers: dict[str, str]) -> bool:
        assert self._token is not None
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            morsel = None
        return _same(bearer, self._token) or (morsel is not None and _same(morsel.value, quote(self._token)))


def _same(given: str, wanted: str) -> bool:
    """Whether two words are one, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8"), wanted.encode("utf-8"))


def _raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def _answer(send: Send, status: int, text: str, more: Iterable[tuple[str, str]] = ()) -> None:
    body = text.encode("utf-8")
    headers = {"content-type": "text/plain; charset=utf-8", "content-length": str(len(body)), **_HEADERS}
    await send(
        {"type": "http.response.start", "status": status, "headers": [*_raw(headers.items()), *_raw(more)]}
    )
    await send({"type": "http.response.body", "body": body})
