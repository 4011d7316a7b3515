"""Cycles with a QObject in them die in the window's thread, however busy the others are."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from nur_studio.gui import sweeper as module
from nur_studio.gui.sweeper import Sweeper


@pytest.fixture
def sweeper(qtbot: QtBot) -> Iterator[Sweeper]:
    gc.enable()  # as in a process of its own
    sweeper = Sweeper()
    yield sweeper
    sweeper.close()
    assert gc.isenabled()
    gc.disable()


class Caught(QObject):
    """Holds itself, and says which thread it died in."""

    def __init__(self, died_in: list[int]) -> None:
        super().__init__()
        self.myself = self
        self.died_in = died_in

    def __del__(self) -> None:
        self.died_in.append(threading.get_ident())


def fill_generations() -> None:
    for _ in range(20):
        cycles: list[list[object]] = [[] for _ in range(1000)]
        for cycle in cycles:
            cycle.append(cycle)


def test_a_busy_thread_collects_nothing_and_the_windows_thread_does(sweeper: Sweeper, qtbot: QtBot) -> None:
    died_in: list[int] = []
    Caught(died_in)
    busy = threading.Thread(target=fill_generations)
    busy.start()
    busy.join()
    assert died_in == []
    qtbot.waitUntil(lambda: bool(died_in), timeout=10_000)
    assert died_in == [threading.get_ident()]


def test_what_grew_old_is_collected_too(sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch) -> None:
    died_in: list[int] = []
    old = Caught(died_in)
    for generation in (0, 1):
        gc.collect(generation)
    del old
    sweeper.sweep()
    assert died_in == []
    monkeypatch.setattr(module, "_FULL_EVERY", 1)
    sweeper.sweep()
    assert died_in == [threading.get_ident()]


def test_what_is_spared_is_not_looked_at_again(sweeper: Sweeper) -> None:
    sweeper.spare_what_is_there()
    assert gc.get_freeze_count() > 1000
    assert gc.get_count()[0] < 1000
