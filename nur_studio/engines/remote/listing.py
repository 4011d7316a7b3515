"""What the server makes music with, as it last said: a list that never waits, and the asking that brings it up to date.

The last answer is kept on disk, so that a new process lists at once, and a server that sleeps is still known.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nur_studio.audio.whole import replacing
from nur_studio.core.errors import ServerUnavailable, StudioError
from nur_studio.core.names import one_line
from nur_studio.core.progress import Cancel, CancelToken
from nur_studio.engines.base import EngineInfo
from nur_studio.remote.server import About, Server

log = logging.getLogger(__name__)

PREFIX = "remote:"
"""What the names of engines begin with that are another studio's."""

MEMORY_NAME = "server.json"
PATIENCE_S = 4.0
"""How long anybody waits for a server to say what it has."""

_CAN = frozenset({"controls", "sections", "count-in"})  # audio to start from lies here, and early ends are heard here
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}")  # not one that is remote itself: nobody passes on for others
_MOST_ENGINES = 64
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class _Heard:
    address: str
    about: About


class Listing:
    """What servers say of themselves, remembered in `cache`. `mark` is that of the own library: a studio is no engine
    of its own. Safe to use from several threads.
    """

    def __init__(self, cache: Path, mark: str) -> None:
        self._memory, self._mark = cache / MEMORY_NAME, mark
        self._lock = threading.Lock()
        self._heard: _Heard | None = None
        self._read = False
        self._faults: dict[Server, StudioError] = {}

    def engines(self, server: Server) -> tuple[EngineInfo, ...]:
        """The engines there, as far as is known; where the last asking found no studio, `why_not` says so. At once."""
        with self._lock:
            if not self._read:
                self._heard, self._read = _remembered(self._memory), True
            heard, fault = self._heard, self._faults.get(server)
        if heard is None or heard.address != server.address:
            return ()
        return tuple(_listed(heard.about, server, str(fault) if fault is not None else ""))

    def fault(self, server: Server) -> str:
        """What the last asking met, in a sentence; "" where it was answered, or never asked."""
        with self._lock:
            return str(self._faults.get(server) or "")

    def ask(self, server: Server, cancel: Cancel | None = None) -> About:
        """Ask it now, and remember the answer. Takes `PATIENCE_S` at most; raises `StudioError` and `Cancelled`."""
        from nur_studio.remote.api import StudioApi  # here, or its network parts would slow the window's start

        cancel, answers = cancel or CancelToken(), list[About | StudioError]()

        def run() -> None:  # a thread, for looking a name up has no timeout
            try:
                answers.append(StudioApi.of(server).about(PATIENCE_S))
            except StudioError as error:
                answers.append(error)
            except Exception:
                log.exception("asking the server")
                answers.append(ServerUnavailable("The server answers what cannot be understood."))

        thread = threading.Thread(target=run, name="nur-studio asking", daemon=True)
        thread.start()
        deadline = time.monotonic() + PATIENCE_S
        while thread.is_alive() and time.monotonic() < deadline:
            cancel.check()
            thread.join(_LOOK_EVERY_S)
        sentence = f"The studio's server at {server.address} cannot be reached: it does not answer."
        answer = answers[0] if answers else ServerUnavailable(sentence)
        if isinstance(answer, About) and answer.library == self._mark:
            answer = ServerUnavailable("The server at this address is this very studio: its engines are here already.")
        with self._lock:
            self._read = True
            if isinstance(answer, About):
                self._faults.pop(server, None)
                if (heard := _Heard(server.address, answer)) != self._heard:
                    self._heard = heard
                    self._remember(heard)
                return answer
            self._faults[server] = answer
        raise answer

    def _remember(self, heard: _Heard) -> None:
        told = {
            "address": heard.address,
            "version": heard.about.version,
            "library": heard.about.library,
            "engines": [dict(each) for each in heard.about.engines],
        }
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self._memory) as file:
                file.write(json.dumps(told, indent=1).encode())
        except (OSError, StudioError) as error:
            log.warning("what the server said is not remembered: %s", error)


def _remembered(path: Path) -> _Heard | None:
    try:
        told = json.loads(path.read_text("utf-8"))
        engines = tuple(each for each in told["engines"] if isinstance(each, dict))
        return _Heard(str(told["address"]), About(str(told["version"]), str(told["library"]), engines))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _listed(about: About, server: Server, fault: str) -> list[EngineInfo]:
    named: dict[str, EngineInfo] = {}
    for told in about.engines[:_MOST_ENGINES]:
        name = told.get("name")
        if isinstance(name, str) and _NAME.fullmatch(name):
            named.setdefault(name, _info(name, told, server, fault))
    return list(named.values())


def _info(name: str, told: Mapping[str, Any], server: Server, fault: str) -> EngineInfo:
    abilities = told.get("can")
    can = _CAN & {str(each) for each in abilities} if isinstance(abilities, list) else frozenset[str]()
    return EngineInfo(
        name=PREFIX + name,
        title=f"{_words(told, 'title') or name} on {server.host}",
        summary=_words(told, "summary"),
        licence=_words(told, "licence"),
        factory="nur_studio.engines.remote.engine:remote",
        why_not=fault or _words(told, "why_not"),
        stems=told.get("stems") is True,
        options={"server": server, "engine": name, "steered": "controls" in can},
        can=frozenset(can),
        sellable=told.get("sellable") is True,
        host=server.host,
    )


def _words(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return one_line(value)[:300] if isinstance(value, str) else ""
