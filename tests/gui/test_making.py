"""A take while it is made: it grows, is partly taken back and made anew, and may be ended early."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nur_studio.audio.peaks import PeakPyramid
from nur_studio.audio.player import Player
from nur_studio.core.errors import Cancelled, GenerationFailed, StudioError
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.request import GenerationRequest
from nur_studio.core.sound import Audio
from nur_studio.core.track import Status, Track
from nur_studio.gui.generate_bar import GenerateBar
from nur_studio.gui.history import History
from nur_studio.gui.jobs import JobQueue
from nur_studio.gui.making import Growth, Maker
from nur_studio.gui.mix_desk import MixDesk
from nur_studio.gui.playback import Playback
from nur_studio.gui.stage import Stage
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio
from nur_studio.studio.studio import Chunk

RATE = 44100
OnEnded = Callable[[str, Track | StudioError | Cancelled], None]


def noise(seconds: float, seed: int) -> Audio:
    return (np.random.default_rng(seed).uniform(-0.5, 0.5, (round(seconds * RATE), 2))).astype(np.float32)


class Rerolling:
    """Makes takes of 8 s whose second half is thrown away once and made anew, after all of it was there."""

    first, second, third = noise(4, 1), noise(4, 2), noise(4, 3)

    def __init__(self, folder: Path, make_track: Callable[..., Track]) -> None:
        self.folder, self.make_track = folder, make_track
        self.made: list[str] = []
        self.discarded: list[str] = []
        self.shown = threading.Semaphore(0)
        self.endless = False

    def submit(self, request: GenerationRequest, *, group: str = "") -> list[Track]:
        return [
            self.make_track(id=f"trk_{number:012d}", status=Status.PENDING, duration_s=8.0, frames=0)
            for number in range(request.takes)
        ]

    def batches(self, tracks: Sequence[Track]) -> list[list[Track]]:
        return [[track] for track in tracks]

    def make_together(
        self,
        track_ids: Sequence[str],
        on_progress: OnProgress,
        on_chunk: Callable[[str, Chunk], None],
        on_ended: OnEnded,
        cancel: Cancel,
    ) -> None:
        (track_id,) = track_ids
        on_ended(track_id, self.make(track_id, on_progress, lambda chunk: on_chunk(track_id, chunk), cancel))

    def make(self, track_id: str, on_progress: OnProgress, on_chunk: Callable[[Chunk], None], cancel: Cancel) -> Track:
        path = self.folder / f"{track_id}.f32"

        def tell(parts: Sequence[Audio]) -> None:
            whole = np.concatenate(parts)
            path.write_bytes(whole.tobytes())
            on_progress(Progress("generating", 0.5))
            on_chunk(Chunk(path, len(whole), RATE))

        tell([self.first])
        while self.endless and not cancel.enough():
            cancel.check()
            threading.Event().wait(0.005)
        if not cancel.enough():
            tell([self.first, self.second])
            self.shown.acquire()
            path.write_bytes(self.first.tobytes())
            on_chunk(Chunk(path, len(self.first), RATE))
            tell([self.first, self.third[:RATE]])
            tell([self.first, self.third])
        self.made.append(track_id)
        return self.make_track(id=track_id, duration_s=4.0)

    def discard(self, track_id: str) -> None:
        self.discarded.append(track_id)

    def separates(self, _: Track) -> bool:
        return False

    def separate(self, track_id: str, *_: object, **__: object) -> Track:
        raise AssertionError(f"nobody asked for the stems of {track_id}")


@pytest.fixture
def rerolling(tmp_path: Path, make_track: Callable[..., Track]) -> Rerolling:
    return Rerolling(tmp_path, make_track)


@pytest.fixture
def maker(rerolling: Rerolling, qtbot: QtBot) -> Iterator[Maker]:
    maker = Maker(rerolling)
    yield maker
    rerolling.shown.release(9)
    maker.close()


def desk(view: TrackView, studio: Studio, queue: JobQueue) -> MixDesk:
    return MixDesk(view, studio.library, queue, History(lambda: "", view), view)


def test_what_is_taken_back_is_drawn_and_played_anew(
    maker: Maker, rerolling: Rerolling, studio: Studio, themed: object, qtbot: QtBot
) -> None:
    view = TrackView()
    qtbot.addWidget(view)
    view.resize(1000, 500)
    view.show()
    playback = Playback(Player(), view)
    stage = Stage(view, playback, studio.library, maker._queue, desk(view, studio, maker._queue))
    grown: list[int] = []
    maker.started.connect(stage.on_started)
    maker.grew.connect(stage.on_grew)
    maker.grew.connect(lambda growth: grown.append(growth.frames))
    maker.ask(GenerationRequest("anything", 8))
    try:
        qtbot.waitUntil(lambda: bool(grown) and grown[-1] == 8 * RATE, timeout=10_000)
        qtbot.waitUntil(lambda: playback._player.state().ready_frames == 8 * RATE, timeout=10_000)
        first = drawn(stage)
        rerolling.shown.release()
        qtbot.waitUntil(lambda: not maker.busy, timeout=10_000)
        qtbot.waitUntil(lambda: playback._player.state().ready_frames == 8 * RATE, timeout=10_000)
        assert 4 * RATE in grown[grown.index(8 * RATE) :], "it fell back"
        assert grown[-1] == 8 * RATE
        wanted = PeakPyramid.from_audio(np.concatenate((rerolling.first, rerolling.third))).view(0, 8 * RATE, 400)
        got = drawn(stage)
        assert not np.array_equal(first, got)
        differ = np.flatnonzero(got != wanted[1])
        assert len(differ) <= 1, "but for the block that was cut in two, what was made anew is what is drawn"
    finally:
        playback.close()


def test_a_take_at_another_rate_is_shown_at_its_own(
    studio: Studio, make_track: Callable[..., Track], themed: object, qtbot: QtBot, tmp_path: Path
) -> None:
    view = TrackView()
    qtbot.addWidget(view)
    playback = Playback(Player(), view)
    queue = JobQueue()
    stage = Stage(view, playback, studio.library, queue, desk(view, studio, queue))
    try:
        track = make_track(status=Status.PENDING, frames=0, duration_s=8.0)
        stage.on_started(track)
        stage.on_grew(Growth(track.id, tmp_path / "x.f32", noise(1, 1), RATE, 48000))
        assert (view.timeline.frames, view.timeline.sample_rate) == (8 * 48000, 48000)
    finally:
        queue.close()
        playback.close()


def drawn(stage: Stage) -> np.ndarray:
    growing = stage._growing
    assert growing is not None
    assert growing[1] is not None
    return growing[1].view(0, 8 * RATE, 400)[1]


def test_growth_that_falls_back_hands_over_what_follows_again(maker: Maker, rerolling: Rerolling, qtbot: QtBot) -> None:
    heard = np.zeros((0, 2), np.float32)

    def on_grew(growth: Growth) -> None:
        nonlocal heard
        heard = np.concatenate((heard[: growth.frames - len(growth.audio)], growth.audio))
        assert len(heard) == growth.frames

    maker.grew.connect(on_grew)
    rerolling.shown.release(9)
    maker.ask(GenerationRequest("anything", 8))
    qtbot.waitUntil(lambda: bool(rerolling.made) and not maker.busy, timeout=10_000)
    np.testing.assert_array_equal(heard, np.concatenate((rerolling.first, rerolling.third)))


def test_keep_ends_the_running_take_and_drops_the_ones_not_begun(
    maker: Maker, rerolling: Rerolling, qtbot: QtBot
) -> None:
    rerolling.endless = True
    made: list[str] = []
    ended: list[object] = []
    maker.made.connect(lambda track: made.append(track.id))
    maker.cancelled.connect(ended.append)
    maker.keep()  # nothing runs: nothing happens
    with qtbot.waitSignal(maker.grew, timeout=10_000):
        maker.ask(GenerationRequest("anything", 8, takes=3, engine="musicgen-small"))
    assert maker.engine == "musicgen-small"
    maker.keep()
    qtbot.waitUntil(lambda: not maker.busy, timeout=10_000)
    assert made == ["trk_000000000000"]
    assert rerolling.discarded == ["trk_000000000001", "trk_000000000002"]
    assert ended == []
    assert maker.engine is None
    rerolling.endless = False
    rerolling.shown.release(9)
    maker.ask(replace(GenerationRequest("the next one is made to its end", 8)))
    qtbot.waitUntil(lambda: len(made) == 2, timeout=10_000)


class SideBySide(Rerolling):
    """Makes the takes of a request as one batch: all grow a second at a time, then the second one fails, the first is
    done, and the third goes on for a second. `stop` is called after each second of all.
    """

    stop: Callable[[Cancel], None] = staticmethod(lambda cancel: cancel.check())

    def batches(self, tracks: Sequence[Track]) -> list[list[Track]]:
        return [list(tracks)]

    def make_together(
        self,
        track_ids: Sequence[str],
        on_progress: OnProgress,
        on_chunk: Callable[[str, Chunk], None],
        on_ended: OnEnded,
        cancel: Cancel,
    ) -> None:
        sounds = {track_id: noise(3, index) for index, track_id in enumerate(track_ids)}

        def grow(track_id: str, seconds: int) -> None:
            path = self.folder / f"{track_id}.f32"
            path.write_bytes(sounds[track_id][: seconds * RATE].tobytes())
            on_progress(Progress("generating", seconds / 3))
            on_chunk(track_id, Chunk(path, seconds * RATE, RATE))

        first, second, third = track_ids
        for seconds in (1, 2):
            for track_id in track_ids:
                grow(track_id, seconds)
            self.stop(cancel)
        on_ended(second, GenerationFailed("It is tired."))
        on_ended(first, self.make_track(id=first))
        grow(third, 3)
        on_ended(third, Cancelled() if self.endless else self.make_track(id=third))


class Told:
    """What a maker said, in order: a word and the number of the take, as "started 0"."""

    def __init__(self, maker: Maker) -> None:
        self.said: list[str] = []
        self.grown: dict[str, int] = {}
        for word in ("started", "made", "take_failed", "cancelled"):
            getattr(maker, word).connect(lambda track, word=word: self.said.append(f"{word} {int(track.id[4:])}"))
        maker.failed.connect(lambda error: self.said.append(str(error)))
        maker.grew.connect(self._on_grew)
        maker.stepped.connect(lambda step: self.steps.append((step.take, step.takes)))
        self.steps: list[tuple[int, int]] = []

    def _on_grew(self, growth: Growth) -> None:
        assert growth.frames == self.grown.get(growth.track_id, 0) + len(growth.audio)
        self.grown[growth.track_id] = growth.frames


@pytest.fixture
def together(tmp_path: Path, make_track: Callable[..., Track], qtbot: QtBot) -> Iterator[tuple[SideBySide, Maker]]:
    studio = SideBySide(tmp_path, make_track)
    maker = Maker(studio)
    yield studio, maker
    maker.close()


def test_of_takes_made_together_one_at_a_time_is_followed(together: tuple[SideBySide, Maker], qtbot: QtBot) -> None:
    studio, maker = together
    told = Told(maker)
    maker.ask(GenerationRequest("anything", 8, takes=3))
    qtbot.waitUntil(lambda: bool(told.said) and not maker.busy, timeout=10_000)
    assert told.said == ["started 0", "take_failed 1", "It is tired.", "made 0", "started 2", "made 2"]
    assert list(told.grown.values()) == [2 * RATE, 3 * RATE], "the third from its beginning, the second unheard"
    assert set(told.steps) <= {(1, 3), (3, 3)}
    assert studio.discarded == []


def test_a_take_of_a_batch_with_too_little_to_keep_leaves_the_stage(
    together: tuple[SideBySide, Maker], qtbot: QtBot
) -> None:
    studio, maker = together
    studio.endless = True
    told = Told(maker)
    maker.ask(GenerationRequest("anything", 8, takes=3))
    qtbot.waitUntil(lambda: bool(told.said) and not maker.busy, timeout=10_000)
    assert told.said[-3:] == ["made 0", "started 2", "cancelled 2"]


def test_cancel_ends_all_takes_of_a_batch(together: tuple[SideBySide, Maker], qtbot: QtBot) -> None:
    studio, maker = together

    def wait(cancel: Cancel) -> None:
        while True:
            cancel.check()
            threading.Event().wait(0.005)

    studio.stop = wait  # type: ignore[method-assign, assignment]
    told = Told(maker)
    with qtbot.waitSignal(maker.grew, timeout=10_000):
        maker.ask(GenerationRequest("anything", 8, takes=3))
    maker.cancel()
    qtbot.waitUntil(lambda: not maker.busy, timeout=10_000)
    assert told.said == ["started 0", "cancelled 0", "cancelled 1", "cancelled 2"]


def test_a_fault_of_ours_ends_all_takes_of_a_batch(together: tuple[SideBySide, Maker], qtbot: QtBot) -> None:
    studio, maker = together

    def break_down(_: Cancel) -> None:
        raise ZeroDivisionError("an honest mistake")

    studio.stop = break_down  # type: ignore[method-assign, assignment]
    told = Told(maker)
    maker.ask(GenerationRequest("anything", 8, takes=3))
    qtbot.waitUntil(lambda: "an honest mistake" in told.said, timeout=10_000)
    assert told.said == ["started 0", "take_failed 0", "take_failed 1", "take_failed 2", "an honest mistake"]


def test_the_bar_offers_to_keep_once_there_is_a_second_of_it(themed: object, qtbot: QtBot) -> None:
    bar = GenerateBar()
    qtbot.addWidget(bar)
    bar.show()
    bar.set_progress(Progress("generating", 0.1))
    assert bar.keep_button.isHidden(), "not every engine can"
    bar.set_kept(0.0)
    assert bar.keep_button.isVisible()
    assert not bar.keep_button.isEnabled()
    bar.set_kept(12.9)
    assert bar.keep_button.text() == "Keep what is made · 0:12"
    with qtbot.waitSignal(bar.keep_requested):
        qtbot.mouseClick(bar.keep_button, Qt.MouseButton.LeftButton)
    assert not bar.keep_button.isEnabled()
    bar.set_kept(13.4)
    assert not bar.keep_button.isEnabled(), "asked once is enough"
    with qtbot.assertNotEmitted(bar.keep_requested):
        bar.keep()
    bar.set_kept(0.0)
    bar.set_kept(2.0)
    assert bar.keep_button.isEnabled(), "the next take can be kept too"
    bar.set_progress(None)
    assert bar.keep_button.isHidden()
