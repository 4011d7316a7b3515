"""Who may ask at all, and how much: host, origin, token, size and pace of a request, before anything reads it."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nur_studio.core.error_json import refusal
from nur_studio.core.errors import InvalidRequest
from nur_studio.server.answers import REASONS, answer, refused

MAX_BODY = 64 * 1024
BODY_S = 10.0
"""How long a request's body may take to come."""
MAX_REQUESTS = 500
MIN_TOKEN = 16
OPEN_TO_ALL = ("/", "/docs", "/openapi.json")
"""What there is to read without the token: nothing of the person's."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_READING = ("GET", "HEAD")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Access:
    """Whom a server answers: `loopback` this machine only, `token` who knows it, `origins` web pages from there.

    A page in a browser on this machine must not reach the studio by giving its own site our address (DNS rebinding):
    on loopback the Host must name this machine. From elsewhere nobody gets by without the token, so any Host may be.
    """

    loopback: bool = True
    token: str | None = None
    origins: frozenset[str] = frozenset()

    @classmethod
    def given(cls, host: str, token: str | None, origins: Iterable[str]) -> Access:
        """Raises `InvalidRequest` for a host others can reach without a token, a token that is weak, or no origin."""
        loopback = is_loopback(host)
        if token is None and not loopback:
            raise InvalidRequest("host", host, "this machine (127.0.0.1), unless --token keeps strangers out")
        if token is not None and not (len(token) >= MIN_TOKEN and token.isascii() and token.isprintable()):
            raise InvalidRequest("token", "…", f"{MIN_TOKEN} or more letters and digits")
        origins = frozenset(origin.strip().rstrip("/").casefold() for origin in origins)
        for origin in origins:
            if _ORIGIN.fullmatch(origin) is None:
                raise InvalidRequest("allow_origin", origin, "the origin of a web page, such as http://localhost:3000")
        return cls(loopback, token, origins)

    def objection(self, scope: Scope) -> tuple[int, str]:
        """Status and sentence of what speaks against answering; 0 where nothing does."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        named = _HOST.fullmatch(host)
        if named is None or (self.loopback and not is_loopback(named[1])):
            return 403, "This studio answers only to its own address."
        welcome = origin is not None and origin.casefold() in self.origins
        own = origin is not None and origin.casefold() in (f"http://{host}".casefold(), f"https://{host}".casefold())
        if origin is not None and not welcome and not own:
            return 403, "Web pages from elsewhere may not ask this studio."
        elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if elsewhere and not welcome and scope["method"] not in _READING:
            return 403, "Web pages from elsewhere may not ask this studio."
        if self.token is not None and scope["path"] not in OPEN_TO_ALL:
            scheme, _, given = headers.get("authorization", "").partition(" ")
            right = hmac.compare_digest(given.strip().encode("utf-8", "replace"), self.token.encode())
            if scheme.casefold() != "bearer" or not right:
                return 401, "This studio wants the token it was started with."
        return 0, ""


class Guard:
    """In front of everything. Requests come through whole, answers go out as the reference has them."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        outlet = _Outlet(send)
        status, message = self._access.objection(scope)
        if status:
            headers = {"Connection": "close"}  # its body, which may never end, is not read
            if status == 401:
                headers["WWW-Authenticate"] = "Bearer"
            await refused(status, message, headers)(scope, receive, outlet)
        elif self._under_way >= MAX_REQUESTS:
            busy = refused(503, "The studio answers too many at once.", {"Retry-After": "1", "Connection": "close"})
            await busy(scope, receive, outlet)
        else:
            self._under_way += 1
            try:
                await self._pass_on(scope, receive, outlet)
            finally:
                self._under_way -= 1

    async def _pass_on(self, scope: Scope, receive: Receive, send: Callable[[Message], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(BODY_S):
                body = await _body(Headers(scope=scope), receive)
        except TimeoutError:
            slow = refused(408, "The request did not come to an end.", {"Connection": "close"})
            await slow(scope, receive, send)
            return
        except _TooLarge:
            message = f"A request may have {MAX_BODY // 1024} KiB at most."
            await refused(413, message, {"Connection": "close"})(scope, receive, send)
            return
        if body is None:  # who asked has hung up
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)


class _TooLarge(Exception):
    pass


async def _body(headers: Headers, receive: Receive) -> bytes | None:
    """All of a request's body; None where the client left before its end."""
    said = headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > MAX_BODY:
        raise _TooLarge
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise _TooLarge
        if not message.get("more_body", False):
            return bytes(body)


class _Outlet:
    """Adds what every answer says of itself, and gives refusals in plain text the form of all others."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._instead = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = self._started(message)
        elif self._instead:
            if message.get("more_body", False):
                return
            message = {"type": "http.response.body", "body": self._instead}
        await self._send(message)

    def _started(self, message: Message) -> Message:
        headers = MutableHeaders(raw=list(message["headers"]))
        headers["X-Content-Type-Options"] = "nosniff"
        headers.setdefault("Cache-Control", "no-store")
        status: int = message["status"]
        if status >= 400 and not headers.get("content-type", "").startswith("application/json"):
            told: Any = refusal(status, REASONS.get(status, "The request was refused."))
            self._instead = bytes(answer(told).body)
            headers["Content-Type"], headers["Content-Length"] = "application/json", str(len(self._instead))
        return {**message, "headers": headers.raw}
