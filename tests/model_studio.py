"""A studio whose models are on a shelf of paper: the real one in everything else, and no gigabyte moves."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import fake_engine

from nur_studio.core.errors import StudioError
from nur_studio.core.paths import Directories
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, Progress, ignore_progress
from nur_studio.engines.base import EngineInfo, Forecast
from nur_studio.engines.models import ALL_MODELS, MODELS, SEPARATORS, model
from nur_studio.studio import ModelState, Studio

AWAY = "Its weights are not all on this machine."


class ModelStudio(Studio):
    """`states` says what is there of each model. Work waits at half of its way for `go`, and ends with `fault`."""

    def __init__(self, directories: Directories, states: dict[str, str] | None = None) -> None:
        self.states = states or {}
        self.fault: Exception | None = None
        self.forecast_fault: Exception | None = None
        self.fits = True
        self.brought = "ready"  # what an import makes of a model
        self.go = threading.Event()
        self.done: list[str] = []
        super().__init__(directories, engines=self._all, separators=self._apart)

    def _all(self) -> Sequence[EngineInfo]:
        sketch = fake_engine.info("sketch", step_s=0.05)
        return (
            sketch,
            *(
                EngineInfo(
                    info.name,
                    info.title,
                    info.summary,
                    info.licence,
                    "fake_engine:FakeEngine",
                    why_not="" if self.states.get(info.name) == "ready" else AWAY,
                    can=frozenset({"controls", "keep"}),
                    sellable=False,
                )
                for info in MODELS
            ),
        )

    def _apart(self) -> Sequence[EngineInfo]:
        return [
            fake_engine.separator(info.name, "" if self.states.get(info.name) == "ready" else AWAY)
            for info in SEPARATORS
        ]

    def models(self) -> list[ModelState]:
        return [self._state(info.name) for info in ALL_MODELS]

    def _state(self, name: str) -> ModelState:
        info, state = model(name), self.states.get(name, "missing")
        missing = {"ready": 0, "partial": info.download_bytes // 3}.get(state, info.download_bytes)
        return ModelState(info, state, missing, info.download_bytes - missing, "" if state == "ready" else AWAY)

    def download_model(
        self, name: str, on_progress: OnProgress = ignore_progress, cancel: Cancel | None = None
    ) -> None:
        self.states[name] = "partial"
        self._work("downloading model weights", on_progress, cancel)
        self._end(name, "ready")

    def import_models(
        self, folder: Path, on_progress: OnProgress = ignore_progress, cancel: Cancel | None = None
    ) -> tuple[str, ...]:
        self._work("copying", on_progress, cancel)
        self._end("musicgen-medium", self.brought)
        return ("musicgen-medium",)

    def verify_model(self, name: str, on_progress: OnProgress = ignore_progress, cancel: Cancel | None = None) -> None:
        self._work("checking", on_progress, cancel)
        self._end(name, "ready")

    def remove_model(self, name: str) -> int:
        self._work("removing", ignore_progress, None)
        self._end(name, "missing")
        return model(name).download_bytes

    def forecast(self, name: str, *_: object) -> Forecast:
        if self.forecast_fault is not None:
            raise self.forecast_fault
        return Forecast(name, "CPU", "fp32", self.fits, 3_100_000_000, 95.0)

    def _work(self, stage: str, on_progress: OnProgress, cancel: Cancel | None) -> None:
        cancel = cancel or CancelToken()
        on_progress(Progress(stage, 0.43, 187.0))
        while not self.go.wait(0.01):
            cancel.check()
        cancel.check()

    def _end(self, name: str, state: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.states[name] = state
        self.done.append(name)


NO_LINE = StudioError("The connection to huggingface.co broke off.", hint="What came is kept: try again to go on.")
