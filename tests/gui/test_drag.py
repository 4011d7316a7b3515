"""A drag begins only with whole files, hands over copies, and says so when it has to wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from planted_tracks import plant, tone
from PySide6.QtCore import Qt
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from nur_studio.audio.files import Encoding
from nur_studio.core.mix import STEMS
from nur_studio.core.track import Track
from nur_studio.gui.drag import DragOut, Held, Wanted, mime_data
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.studio import Studio


class Drags:
    """Every drag that was started, instead of the system's own loop, which would wait for a real pointer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[list[Path]] = []
        self.actions: list[Qt.DropAction] = []
        monkeypatch.setattr(QDrag, "exec", self.on_exec)

    def on_exec(self, actions: Qt.DropAction) -> Qt.DropAction:
        self.actions.append(actions)
        return actions


@pytest.fixture
def queue(qtbot: QtBot) -> Iterator[JobQueue]:
    queue = JobQueue()
    yield queue
    queue.close()


@pytest.fixture
def track(studio: Studio) -> Track:
    return made(studio, "Jazz trio")


def made(studio: Studio, title: str) -> Track:
    """Five seconds of four stems."""
    return plant(studio.library, {stem: tone(110 * (n + 1), 5.0) for n, stem in enumerate(STEMS)}, title=title)


@pytest.fixture
def drag(studio: Studio, queue: JobQueue, qtbot: QtBot, themed: object, monkeypatch: pytest.MonkeyPatch) -> DragOut:
    source = QWidget()
    qtbot.addWidget(source)
    drag = DragOut(source, studio, queue)
    drag.set_encoding(Encoding("wav", "PCM_24"))
    seen = Drags(monkeypatch)
    monkeypatch.setattr(drag, "_source", source)
    drag.seen = seen  # type: ignore[attr-defined]
    real = drag._drag
    monkeypatch.setattr(drag, "_drag", lambda paths, wanted: (seen.paths.append(list(paths)), real(paths, wanted)))
    return drag


def hold(monkeypatch: pytest.MonkeyPatch, held: bool) -> None:
    buttons = Qt.MouseButton.LeftButton if held else Qt.MouseButton.NoButton
    monkeypatch.setattr(QApplication, "mouseButtons", lambda: buttons)


def test_prepared_on_the_press_it_starts_at_once_with_whole_copies(
    drag: DragOut, track: Track, studio: Studio, queue: JobQueue, qtbot: QtBot
) -> None:
    wanted = Wanted((track.id,), Held(STEMS))
    drag.prepare(wanted)
    drag.prepare(wanted)
    assert len(queue.waiting) == 0, "files are prepared once"
    qtbot.waitUntil(lambda: studio.ready_drag_files(track.id, STEMS, Encoding("wav", "PCM_24")) is not None)
    qtbot.waitUntil(lambda: queue.current is None)
    drag.start(wanted)
    seen = drag.seen  # type: ignore[attr-defined]
    assert seen.actions == [Qt.DropAction.CopyAction]
    (paths,) = seen.paths
    assert [path.name.rsplit("_", 1)[1] for path in paths] == [f"{stem}.wav" for stem in STEMS]
    for path in paths:
        assert soundfile.info(path).frames == 5 * 44100
        assert soundfile.info(path).subtype == "PCM_24"
    urls = mime_data(paths).urls()
    assert [Path(url.toLocalFile()) for url in urls] == paths
    assert all(url.isLocalFile() for url in urls)


def test_dragged_too_soon_it_waits_for_whole_files(
    drag: DragOut, track: Track, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(monkeypatch, True)
    with qtbot.waitSignal(drag.waiting):
        drag.start(Wanted((track.id,), Held(("mix",))))
    seen = drag.seen  # type: ignore[attr-defined]
    assert seen.paths == []
    qtbot.waitUntil(lambda: len(seen.paths) == 1, timeout=20_000)
    assert seen.paths[0][0].exists()


def test_let_go_meanwhile_it_only_says_that_the_files_are_ready(
    drag: DragOut, track: Track, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(monkeypatch, False)
    with qtbot.waitSignal(drag.ready, timeout=20_000):
        drag.start(Wanted((track.id,), Held(("mix",))))
    assert drag.seen.paths == []  # type: ignore[attr-defined]


def test_several_rows_are_one_drag_and_a_failure_is_told(
    drag: DragOut, track: Track, studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = made(studio, "Techno")
    hold(monkeypatch, True)
    drag.start(Wanted((track.id, other.id), Held(("mix",))))
    seen = drag.seen  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: len(seen.paths) == 1, timeout=20_000)
    assert len(seen.paths[0]) == 2
    (track.folder / "stems" / "bass.flac").unlink()
    with qtbot.assertNotEmitted(drag.failed):
        drag.prepare(Wanted((track.id,), Held(("bass",))))  # the pointer only rests there
        qtbot.waitUntil(lambda: not drag._preparing, timeout=20_000)
    with qtbot.waitSignal(drag.failed, timeout=20_000) as failed:
        drag.start(Wanted((track.id,), Held(("bass",))))
    assert "stems" in str(failed.args[0]) or "library" in str(failed.args[0])


def test_who_drags_waits_behind_no_pointer_that_only_came_by(
    drag: DragOut, track: Track, queue: JobQueue, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(monkeypatch, True)
    busy = threading.Event()
    queue.submit(Job(lambda _progress, _cancel: busy.wait(20), queue))
    for part in ("drums", "bass"):
        drag.prepare(Wanted((track.id,), Held((part,))))
    assert len(queue.waiting) == 2
    drag.start(Wanted((track.id,), Held(("mix",), (0, 44100))))
    assert len(queue.waiting) == 1
    busy.set()
    seen = drag.seen  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: len(seen.paths) == 1, timeout=20_000)
    assert [path.name for path in seen.paths[0]] == ["Jazz trio_120bpm_Am_0.00s-1.00s.wav"]
    assert soundfile.info(seen.paths[0][0]).frames == 44100
    drag.prepare(Wanted((track.id,), Held(("drums",))))
    assert len(drag._preparing) == 1, "it is written after all where the pointer comes by again"
    qtbot.waitUntil(lambda: not drag._preparing, timeout=20_000)


def test_it_says_how_far_the_files_are(drag: DragOut, track: Track, qtbot: QtBot) -> None:
    told: list[tuple[Wanted, float | None]] = []
    drag.progressed.connect(lambda wanted, fraction: told.append((wanted, fraction)))
    wanted = Wanted((track.id,), Held(("stems",)))
    drag.prepare(wanted)
    qtbot.waitUntil(lambda: bool(told) and told[-1][1] is None, timeout=20_000)
    assert {each for each, _ in told} == {wanted}
    fractions = [fraction for _, fraction in told[:-1] if fraction is not None]
    assert fractions == sorted(fractions)
    assert len(fractions) == len(told) - 1 > 0
