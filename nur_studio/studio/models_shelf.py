"""The models on this machine: what is there, how to get, check and remove one, and what the machine makes of it."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nur_studio.core.errors import Cancelled
from nur_studio.core.progress import Cancel, CancelToken, OnProgress
from nur_studio.engines.models import ALL_MODELS, ModelInfo, model
from nur_studio.engines.process import EngineProcess
from nur_studio.studio import recipe

if TYPE_CHECKING:
    from nur_studio.engines.base import Forecast
    from nur_studio.engines.weights import State, WeightStore

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.1
FORECASTS_NAME = "forecasts.json"


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model and what of it is here: `missing_bytes` a download would fetch, `disk_bytes` its own files take.

    `why_not` says in one sentence why it cannot be used, or is "".
    """

    info: ModelInfo
    state: State
    missing_bytes: int
    disk_bytes: int
    why_not: str


class ModelShelf:
    """The weights below `folder`; forecasts are kept in `cache`. Safe to use from several threads."""

    def __init__(self, folder: Path, cache: Path, process: EngineProcess) -> None:
        self._folder = folder
        self._forecasts = cache / FORECASTS_NAME
        self._process = process
        self._prober = EngineProcess(process.log_file)
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def close(self) -> None:
        """End a measurement that still runs (it raises `Cancelled`). Final."""
        self._closed.set()
        self._prober.close()

    @property
    def store(self) -> WeightStore:
        from nur_studio.engines.weights import WeightStore  # here, or its network parts would slow the window's start

        return WeightStore(self._folder)

    def states(self) -> list[ModelState]:
        """Every model, in the catalogue's order. Looks at sizes only."""
        store = self.store
        return [
            ModelState(info, store.state(info), store.missing_bytes(info), store.disk_bytes(info), store.why_not(info))
            for info in ALL_MODELS
        ]

    def download(self, name: str, on_progress: OnProgress, cancel: Cancel) -> None:
        """Fetch what is missing of a model; what an interrupted download left is used. Raises `StudioError`."""
        from nur_studio.engines.downloading import download

        download(self.store, model(name), on_progress, cancel)

    def bring(self, folder: Path, on_progress: OnProgress, cancel: Cancel) -> tuple[str, ...]:
        """Copy the models in `folder`; their names. Raises `StudioError`."""
        from nur_studio.engines.importing import import_folder

        names: tuple[str, ...] = import_folder(self.store, folder, on_progress, cancel)
        for name in names:  # one that is loaded is the old one
            self._process.release(name, CancelToken())
        return names

    def verify(self, name: str, on_progress: OnProgress, cancel: Cancel) -> None:
        """Compare every file with its checksum. Raises `FileProblem`."""
        self.store.verify(model(name), on_progress, cancel)

    def remove(self, name: str) -> int:
        """Remove a model, once a take that is being made is done; the bytes freed."""
        info = model(name)
        self._process.release(info.name, CancelToken())  # a file that is mapped cannot be removed everywhere
        return self.store.remove(info)

    def forecast(self, name: str, device: str, cancel: Cancel, *, precision: str = "auto") -> Forecast:
        """What this machine makes of a model, measured once and kept while nothing about either changes."""
        from nur_studio.engines.base import Forecast

        info = model(name)
        key = f"{info.name} {device} {precision}"
        circumstances = _circumstances()
        stored = self._stored().get(key)
        if isinstance(stored, Mapping) and stored.get("circumstances") == circumstances:
            try:
                return Forecast(**stored["forecast"])
            except (KeyError, TypeError):
                log.info("a kept forecast of %s cannot be read: measured anew", key)
        measured = self._measured(info.name, device, precision, cancel)
        self._store(key, {"circumstances": circumstances, "forecast": asdict(measured)})
        return measured

    def _measured(self, name: str, device: str, precision: str, cancel: Cancel) -> Forecast:
        """In a process of its own, so that a take need not wait for it, and which may be killed; while nothing else is
        being made, or the figures would be that take's as well.
        """
        while True:
            while self._process.busy:
                cancel.check()
                if self._closed.wait(_LOOK_EVERY_S):
                    raise Cancelled
            try:
                forecast = self._prober.forecast(name, device, cancel, precision=precision)
            finally:
                self._prober.rest()
            if not self._process.busy:
                return forecast

    def _stored(self) -> dict[str, Any]:
        try:
            stored = json.loads(self._forecasts.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}

    def _store(self, key: str, entry: Mapping[str, Any]) -> None:
        with self._lock:
            entries = {**self._stored(), key: entry}
            staging = self._forecasts.with_suffix(".new")
            try:
                self._forecasts.parent.mkdir(parents=True, exist_ok=True)
                staging.write_text(json.dumps(entries, indent=1), "utf-8")
                staging.replace(self._forecasts)
            except OSError:  # it is measured again next time
                log.exception("the forecast could not be kept")


def _circumstances() -> dict[str, object]:
    """What makes a forecast another: programs that compute, processors, memory."""
    import psutil

    versions = recipe.versions()
    return {
        "nur_studio": versions["nur_studio"],
        "torch": versions["torch"],
        "processors": os.cpu_count(),
        "memory": psutil.virtual_memory().total,
    }
