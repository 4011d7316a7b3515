"""What the window's tests share: a windowing system without a screen, a theme, a track with its peaks."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before any Qt is imported

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import fake_engine
import numpy as np
import pytest
import shiboken6
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nur_studio.audio.peaks import PeakPyramid
from nur_studio.audio.player import Player
from nur_studio.core.mix import STEMS
from nur_studio.core.paths import Directories
from nur_studio.core.track import Status, Track
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.theme import apply_theme
from nur_studio.studio import Studio


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["nur-studio"]


@pytest.fixture
def themed(qapp: QApplication) -> QApplication:
    apply_theme(qapp, "dark")
    return qapp


@pytest.fixture
def make_track() -> Callable[..., Track]:
    """Sixteen seconds at 120 BPM in 44.1 kHz: eight bars, a beat every 22,050 frames."""

    def make(**changes: object) -> Track:
        facts: dict[str, object] = {
            "id": "trk_aaaaaaaaaaaa",
            "status": Status.COMPLETED,
            "title": "Rainy night tape",
            "prompt": "lo-fi",
            "genre": "lo-fi",
            "tempo": 120,
            "duration_s": 16.0,
            "output_format": "mp3",
            "engine": "sketch",
            "seed": 482113,
            "created_at": datetime(2026, 11, 22, 10, 31, tzinfo=UTC),
            "folder": Path(),
            "group_id": "group",
            "key": "D minor",
            "frames": 16 * 44100,
            "tempo_asked": 120,
            "tempo_measured": 120.0,
            "loudness_lufs": -14.0,
            "true_peak_dbtp": -1.2,
            "lanes": STEMS,
        }
        return Track(**(facts | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def peaks() -> dict[str, PeakPyramid]:
    """Drums loud in the first half and quiet in the second; bass and other steady; vocals silent."""
    frames = 16 * 44100
    tone = np.sin(np.arange(frames, dtype=np.float32) * 0.05).astype(np.float32)
    step = np.where(np.arange(frames) < frames // 2, 0.8, 0.1).astype(np.float32)
    lanes = {"drums": tone * step, "bass": tone * 0.4, "vocals": tone * 0, "other": tone * 0.2}
    lanes["mix"] = np.clip(sum(lanes[stem] for stem in STEMS), -1, 1)
    return {name: PeakPyramid.from_audio(np.stack((mono, mono), axis=1)) for name, mono in lanes.items()}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A real studio in an empty home; only the music is false, at some 50 ms for each of its five steps."""
    with Studio(Directories.below(tmp_path / "home"), engines=lambda: (fake_engine.info("sketch", step_s=0.05),)) as it:
        yield it


@pytest.fixture
def open_window(themed: QApplication, qtbot: QtBot) -> Iterator[Callable[..., MainWindow]]:
    """Opens the real window on a studio; errors that are no sentences fail the test."""
    windows: list[MainWindow] = []
    unforeseen: list[BaseException] = []

    def opener(studio: Studio, *, begin: bool = True) -> MainWindow:
        window = MainWindow(studio, Player(), unforeseen.append)
        windows.append(window)
        with qtbot.waitActive(window):  # keys go to the active window only
            window.show()
            window.activateWindow()
        if begin:
            window.begin()
        return window

    yield opener
    while windows:
        window = windows.pop()
        window.close()
        # Left to the garbage collector, widgets would be asked for their size hints after losing their attributes.
        shiboken6.delete(window)
    assert unforeseen == []
