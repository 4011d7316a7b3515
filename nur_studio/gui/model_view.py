"""What the window shows of a model: what is there of it, what is done with it now, what this machine makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from nur_studio.core.progress import Progress
from nur_studio.engines.models import ModelInfo
from nur_studio.gui.amounts import size, time_left

if TYPE_CHECKING:
    from nur_studio.engines.base import Forecast

READY, PARTIAL, MISSING = "ready", "partial", "missing"
DOWNLOAD, VERIFY, REMOVE = "download", "verify", "remove"


@dataclass(frozen=True, slots=True)
class ModelView:
    """`why_not` says what of it is missing. `barred`: only models whose output may be sold are wanted, and this is
    none. `doing` is "" or what is under way, waiting for its turn while `progress` is None; `fault` a sentence about
    the last thing that did not work, `told` one about the last that did. `forecast_fault` says why there is no
    forecast.
    """

    info: ModelInfo
    state: str
    missing_bytes: int
    disk_bytes: int = 0
    why_not: str = ""
    in_use: bool = False
    agreed: bool = False
    barred: bool = False
    doing: str = ""
    progress: Progress | None = None
    fault: str = ""
    told: str = ""
    forecast: Forecast | None = None
    forecast_fault: str = ""
    measuring: bool = False

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def percent(self) -> int:
        return int(100 * self.progress.fraction) if self.progress else 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the models lie, and what room there is."""

    folder: str
    free_bytes: int
    memory_bytes: int


def status(view: ModelView) -> tuple[str, str]:
    """A model's state in a few words, and the token of their colour."""
    if view.doing:
        words = {DOWNLOAD: _tr("Downloading"), VERIFY: _tr("Checking"), REMOVE: _tr("Removing")}[view.doing]
        if view.progress is None:
            return _tr("Waits for its turn"), "dim"
        return f"{words} · {view.percent} %", "text"
    if view.fault:
        return _tr("Did not work"), "error"
    if view.state == READY:
        return (_tr("In use") if view.in_use else _tr("Ready")), "good"
    if view.state == PARTIAL:
        return _tr("Partly here · {size} to go").format(size=size(view.missing_bytes)), "warning"
    return _tr("{size} to download").format(size=size(view.missing_bytes)), "dim"


def how_far(progress: Progress | None) -> tuple[str, str]:
    """What is being done, and percent with the time left, for the line above a bar."""
    if progress is None:
        return _tr("waits for its turn"), ""
    percent = _tr("{percent} %").format(percent=int(progress.fraction * 100))
    if progress.eta_s is not None:
        percent = _tr("{percent} · {time} left").format(percent=percent, time=time_left(progress.eta_s))
    return progress.stage, percent


def _tr(text: str) -> str:
    return QCoreApplication.translate("models", text)
