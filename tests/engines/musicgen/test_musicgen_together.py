"""Takes made as one batch on tiny models: each is, bit for bit, what it is alone, whatever becomes of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from nur_studio.core.controls import Controls, Reference, SectionPrompt
from nur_studio.core.errors import Cancelled, GenerationFailed
from nur_studio.core.progress import CancelToken, OnProgress, Progress, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.sound import Audio
from nur_studio.engines.base import Codes, Music, MusicTask, ReferenceAudio
from nur_studio.engines.musicgen import taking, together
from nur_studio.engines.musicgen.cache import Cache
from nur_studio.engines.musicgen.decoding import Window
from nur_studio.engines.musicgen.engine import MusicGenEngine, musicgen
from nur_studio.engines.musicgen.guards import Verdict
from nur_studio.engines.musicgen.weights import LanguageModel

PROMPT = "calm piano, 90 bpm"
LOOP = Controls(loop=True)


class Listener:
    """Hears a take grow; `deaf_after`: frames after which it breaks."""

    def __init__(self, deaf_after: int | None = None) -> None:
        self.heard: Audio = np.zeros((0, 2), np.float32)
        self.rewinds: list[int] = []
        self.times: list[float] = []
        self._deaf_after = deaf_after

    def __call__(self, audio: Audio, sample_rate: int) -> None:
        self.heard = np.concatenate((self.heard, audio))
        self.times.append(time.monotonic())
        if self._deaf_after is not None and len(self.heard) > self._deaf_after:
            raise OSError(28, "No space left on device")

    def rewind(self, frames: int) -> None:
        self.rewinds.append(frames)
        self.heard = self.heard[:frames]


class Made:
    """What became of takes that were made together, each by its number, and the batches they were decoded in."""

    def __init__(
        self,
        engine: MusicGenEngine,
        tasks: Sequence[MusicTask],
        listeners: Sequence[Listener] = (),
        on_progress: OnProgress = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> None:
        self.listeners = listeners or [Listener() for _ in tasks]
        self.ended: dict[int, Music | Exception] = {}
        engine.generate_together(tasks, on_progress, self.listeners, self._end, cancel or CancelToken())
        assert sorted(self.ended) == list(range(len(tasks)))

    def _end(self, number: int, outcome: Music | Exception) -> None:
        assert number not in self.ended
        self.ended[number] = outcome

    def music(self, number: int) -> Music:
        outcome = self.ended[number]
        assert isinstance(outcome, Music)
        return outcome


@pytest.fixture(scope="module")
def engines(weights_folder: Path) -> Callable[[str], MusicGenEngine]:
    made: dict[str, MusicGenEngine] = {}

    def engine(name: str) -> MusicGenEngine:
        return made.setdefault(name, musicgen(name, str(weights_folder), "cpu"))

    return engine


@pytest.fixture
def small(engines: Callable[[str], MusicGenEngine]) -> MusicGenEngine:
    return engines("musicgen-small")


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many takes each window decoded from now on is of."""
    seen: list[int] = []

    def window(model: Any, conditions: Any, frames: int, seeds: Any, sampling: Any, prompt: Any) -> Window:
        seen.append(len(seeds))
        return Window(model, conditions, frames, seeds, sampling, prompt)

    monkeypatch.setattr(together, "Window", window)
    return seen


def tasks(duration_s: float = 2.5, controls: Controls = LOOP, **changes: Any) -> list[MusicTask]:
    task = replace(MusicTask(PROMPT, duration_s, 90, 0, read_prompt(PROMPT), controls), **changes)
    return [replace(task, seed=seed) for seed in (7, 8, 9)]


def alone(engine: MusicGenEngine, task: MusicTask) -> tuple[Music, Listener]:
    listener = Listener()
    return engine.generate(task, ignore_progress, listener, CancelToken()), listener


def assert_as_alone(engine: MusicGenEngine, asked: Sequence[MusicTask], made: Made, *numbers: int) -> None:
    """These takes are what they are alone, sound and tokens, also while they were heard."""
    for number in numbers or range(len(asked)):
        music, listener = alone(engine, asked[number])
        assert np.array_equal(made.music(number).mix, music.mix)
        assert music.codes is not None
        assert np.array_equal(made.music(number).codes, music.codes)
        assert np.array_equal(made.listeners[number].heard, listener.heard)


def test_takes_are_those_made_alone_also_where_one_of_them_rolls_a_window_again(
    small: MusicGenEngine, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tasks(4.0, Controls(loop=True, sections=(SectionPrompt(0, "calm piano"), SectionPrompt(1, "loud drums"))))
    first = alone(small, asked[1])[0].codes
    assert first is not None

    def judge(_: Audio, __: int, codes: Codes, ___: object) -> Verdict:
        """The second take's first window is not liked at its first roll."""
        return Verdict(("silence",) if np.array_equal(codes, first[:, : codes.shape[1]]) else (), {})

    monkeypatch.setattr(taking, "judge", judge)
    batches.clear()
    seen: list[Progress] = []
    made = Made(small, asked, on_progress=seen.append)
    assert batches == [3, 1, 3], "all, then the one that rolls again while the others wait for it, then all again"
    assert [listener.rewinds for listener in made.listeners] == [[], [0], []]
    windows: Any = made.music(1).details["windows"]
    assert [[roll["takes_at_once"] for roll in window["rolls"]] for window in windows] == [[3, 1], [3]]
    assert seen[-1].fraction == pytest.approx(1.0)
    assert {progress.stage for progress in seen} >= {"reading the description", "making music"}
    assert_as_alone(small, asked, made)
    assert len({music.mix.tobytes() for music in map(made.music, range(3))}) == 3


def test_stereo_takes_are_those_made_alone(engines: Callable[[str], MusicGenEngine], batches: list[int]) -> None:
    engine = engines("musicgen-stereo-small")
    asked = tasks(1.5, Controls(loop=True, count_in=True))[:2]
    made = Made(engine, asked)
    assert batches == [2]
    assert_as_alone(engine, asked, made)


def test_takes_that_follow_a_melody_are_those_made_alone(
    engines: Callable[[str], MusicGenEngine], batches: list[int], tmp_path: Path
) -> None:
    tune = np.concatenate([np.sin(hertz * 6.2832 * np.arange(32000) / 32000) for hertz in (220, 330, 440)])
    soundfile.write(tmp_path / "tune.wav", tune * 0.5, 32000)
    controls = Controls(loop=True, reference=Reference("melody", str(tmp_path / "tune.wav")), window_s=5)
    asked = tasks(6.0, controls, reference=ReferenceAudio((tmp_path / "tune.wav",)))[:2]
    made = Made(engines("musicgen-melody"), asked)
    assert batches == [2, 2, 2]
    assert_as_alone(engines("musicgen-melody"), asked, made)


def test_takes_of_another_kind_have_windows_of_their_own(small: MusicGenEngine, batches: list[int]) -> None:
    asked = tasks()
    asked[1] = replace(asked[1], tempo=120)
    order: list[int] = []
    made = Made(small, asked)
    order.extend(made.ended)
    assert batches == [2, 1]
    assert order == [0, 2, 1], "kind by kind"
    assert_as_alone(small, asked, made)
    assert together.kinds([]) == []


def test_where_rows_are_not_kept_apart_takes_are_made_one_after_the_other(
    small: MusicGenEngine, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small._loaded(ignore_progress, CancelToken())[0].language_model.rows_apart
    monkeypatch.setattr(LanguageModel, "rows_apart", False)
    made = Made(small, tasks(6.0, Controls(window_s=5))[:2])
    assert batches == [1] * 6, "three windows each"
    assert made.listeners[0].times[-1] < made.listeners[1].times[0], "the first is there soonest"


def test_what_goes_wrong_with_one_leaves_the_others_alone(small: MusicGenEngine, batches: list[int]) -> None:
    asked = tasks()
    made = Made(small, asked, [Listener(), Listener(deaf_after=44100), Listener()])
    assert batches == [3]
    assert isinstance(made.ended[1], OSError)
    assert_as_alone(small, asked, made, 0, 2)
    asked[0] = replace(asked[0], controls=Controls(reference=Reference("melody", "a file")))
    made = Made(small, asked)
    assert isinstance(made.ended[0], GenerationFailed)
    assert_as_alone(small, asked, made, 1)


def test_where_memory_does_not_do_for_all_fewer_are_made_at_a_time(
    small: MusicGenEngine, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = tasks()
    real = Window.step

    def step(self: Window) -> None:
        if self.takes > 1 and self.ready > 60:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        real(self)

    monkeypatch.setattr(Window, "step", step)
    made = Made(small, asked)
    assert batches == [3, 2, 1, 1, 1]
    assert [listener.rewinds for listener in made.listeners] == [[0, 0], [0, 0], [0]]
    assert made.music(0).details["remarks"] == [
        "Memory did not do for 3 takes at once: 2 at a time are made.",
        "Memory did not do for 2 takes at once: 1 at a time are made.",
    ]
    assert [made.music(number).note for number in range(3)] == ["", "", ""]
    assert_as_alone(small, asked, made)


def test_no_more_are_tried_than_there_is_memory_for(
    small: MusicGenEngine, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small._loaded(ignore_progress, CancelToken())[0].language_model
    one = Cache.bytes_for(model, 2, 125 + 3)
    cache = Cache(model, 2, 128)
    assert one == cache._keys.nbytes + cache._values.nbytes
    asked = tasks()
    for free, expected in ((2.6 * one, [2, 1]), (0, [1, 1, 1]), (1e12, [3])):
        batches.clear()
        monkeypatch.setattr(together, "free_bytes", lambda _, free=free: int(free))
        made = Made(small, asked)
        assert batches == expected
    assert_as_alone(small, asked, made, 0)


def test_enough_keeps_what_there_is_of_all_that_were_begun(small: MusicGenEngine) -> None:
    cancel = CancelToken()
    asked = tasks()
    asked[1] = replace(asked[1], tempo=120)

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.45:  # of all three
            cancel.keep()

    made = Made(small, asked, on_progress=stop, cancel=cancel)
    for number in (0, 2):
        assert 44100 < len(made.music(number).mix) < 2.5 * 44100
        assert made.music(number).note.startswith("Ended early, as asked")
    assert isinstance(made.ended[1], Cancelled)


def test_cancel_ends_them_all(small: MusicGenEngine) -> None:
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.stage == "making music":
            cancel.cancel()

    with pytest.raises(Cancelled):
        Made(small, tasks(), on_progress=stop, cancel=cancel)
