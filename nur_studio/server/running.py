"""A server while it runs: on a thread of its own, from the port it takes to the takes it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
import sys
import threading

import anyio.to_thread
import uvicorn

from nur_studio.core.errors import InvalidRequest, StudioError
from nur_studio.server.app import make_app
from nur_studio.server.guard import Access
from nur_studio.server.protocol import PatientProtocol
from nur_studio.studio.desk import Desk
from nur_studio.studio.studio import Studio

log = logging.getLogger(__name__)

QUEUE = 64
"""How many takes may wait or be made at once."""

LEFT_BEHIND = "The server was stopped before this take was finished."
_BACKLOG = 256
_KEEP_ALIVE_S = 15
_LEAVE_S = 3
_FILES = 4096
_THREADS = 12  # that look things up: more of them only get into each other's way


class Serving:
    """The reference over `studio` at `host` and `port` (0: any that is free). `start` raises `StudioError` where the
    port cannot be had; `stop` fails the takes that were not finished. The studio stays its owner's.
    """

    def __init__(self, studio: Studio, access: Access, host: str, port: int, *, limit: int = QUEUE) -> None:
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise InvalidRequest("port", port, "a whole number from 0 to 65535")
        self.desk = Desk(studio, limit=limit)
        self._host, self._port = host, port
        config = uvicorn.Config(
            make_app(self.desk, access),
            http=PatientProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_LEAVE_S,
            backlog=_BACKLOG,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="nur-studio server", daemon=True)
        self._socket: socket.socket | None = None

    def start(self) -> str:
        """Answer from now on; the address."""
        self._socket = _listening(self._host, self._port)
        self._host, self._port = self._socket.getsockname()[:2]
        _allow_files(_FILES)
        self._thread.start()
        shown = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{shown}:{self._port}"

    def wait(self, timeout_s: float) -> bool:
        """Let it run so long; whether it still does."""
        self._thread.join(timeout_s)
        return self._thread.is_alive()

    def stop(self) -> None:
        """Take nothing in, tell those who wait, and end."""
        self.desk.close(LEFT_BEHIND)
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(2 * _LEAVE_S)
        if self._socket is not None:
            self._socket.close()

    def _run(self) -> None:
        assert self._socket is not None
        try:
            asyncio.run(self._serve(self._socket))
        except Exception:
            log.exception("the server ended")

    async def _serve(self, listener: socket.socket) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        await self._server.serve(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise InvalidRequest("host", host, "an address of this machine") from error
    listener = socket.socket(family, kind, number)
    # On Windows the option of this name would let another program take the port over.
    option = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
    try:
        listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            sentence = f"Another program answers at port {port} already."
            raise StudioError(sentence, hint="`--port` chooses another, 0 any that is free.") from error
        why = error.strerror or error
        raise StudioError(f"The studio cannot answer at {host}, port {port}: {why}.") from error
    return listener


def _allow_files(count: int) -> None:
    """Some systems let a program have 256 files and connections, and would let it have more."""
    if sys.platform == "win32" or os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
