"""Requests to one studio's server over HTTP, with Python's own client: JSON, streams of lines, files."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from nur_studio import __version__
from nur_studio.core.error_json import error_from_json
from nur_studio.core.errors import InvalidRequest, QueueFull, ServerUnavailable

ANSWER_S = 30.0
"""How long a server may keep silent; one that streams events sends something more often."""

_MOST_JSON = 64 * 1024 * 1024
_ALLOWED = "an address such as http://127.0.0.1:8765"


class Http:
    """Speaks to the server at `base_url`, with `token` where it wants one. Holds nothing open between requests, so it
    may be used from any thread.

    No proxy is used and no redirect followed: a token goes to the server that was named, and nowhere else. Raises
    `ServerUnavailable` where it cannot be reached, and the errors it answers with as they are here.
    """

    def __init__(self, base_url: str, token: str | None = None) -> None:
        try:
            parts = urlsplit(base_url.strip())
            self._host, self._port = parts.hostname or "", parts.port
        except (AttributeError, ValueError) as error:
            raise InvalidRequest("base_url", base_url, _ALLOWED) from error
        if parts.scheme not in ("http", "https") or not self._host or parts.query or parts.username:
            raise InvalidRequest("base_url", base_url, _ALLOWED)
        if token is not None and not (isinstance(token, str) and token.isascii() and token.isprintable() and token):
            raise InvalidRequest("token", "…", "the token that the server was started with")
        self._secure, self._prefix = parts.scheme == "https", parts.path.rstrip("/")
        self._shown = f"{parts.scheme}://{parts.netloc}"
        self._headers = {"User-Agent": f"nur-studio/{__version__}", "Accept-Encoding": "identity"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def json(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        track_id: str = "",
        silent_s: float = ANSWER_S,
    ) -> Any:
        """What the server answers; None where that is nothing."""
        with self.open(method, path, query, body, track_id=track_id, silent_s=silent_s) as answer, self._explained():
            data = answer.read(_MOST_JSON)
        return self._parsed(data) if data else None

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        track_id: str = "",
        silent_s: float = ANSWER_S,
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer, to be read inside; `track_id` is the track it is about, for its errors, and `silent_s` how long
        the server may say nothing.
        """
        connection = self._connection(silent_s)
        target = f"{self._prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = dict(self._headers)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            with self._explained():
                connection.request(method, target, data, headers)
                answer = connection.getresponse()
                if answer.status >= 400:
                    said = self._parsed(answer.read(_MOST_JSON))
                    if answer.status == 401:
                        given = "another" if "Authorization" in self._headers else "none"
                        raise ServerUnavailable(
                            f"The studio's server at {self._shown} wants the token it was started with, "
                            f"and was given {given}."
                        )
                    error = error_from_json(
                        answer.status, said, {**(body or {}), **(query or {}), "track_id": track_id}
                    )
                    after = answer.headers.get("Retry-After") or ""
                    if isinstance(error, QueueFull) and after.isdecimal():
                        error.retry_after_s = int(after[:6])
                    raise error
                if answer.status >= 300:
                    raise ServerUnavailable(f"The server at {self._shown} sends its callers elsewhere: no studio does.")
            yield answer
        finally:
            connection.close()

    def _connection(self, silent_s: float) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=silent_s, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=silent_s)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            raise self.unreachable(error) from error

    def unreachable(self, error: Exception) -> ServerUnavailable:
        """A connection's fault, said for people."""
        if isinstance(error, TimeoutError):
            why = "it does not answer"
        elif isinstance(error, ConnectionRefusedError):
            why = "nothing listens there"
        else:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ServerUnavailable(
            f"The studio's server at {self._shown} cannot be reached: {why}.",
            hint="Start it there: `nur-studio serve`.",
        )

    @staticmethod
    def _parsed(data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None
