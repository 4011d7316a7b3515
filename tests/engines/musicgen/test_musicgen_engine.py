"""Whole takes on tiny models, through the folder, the loader and the loop that real ones go through."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from nur_studio.audio.loudness import integrated_lufs, true_peak_dbtp
from nur_studio.core.controls import Controls, Reference, SectionPrompt
from nur_studio.core.errors import Cancelled, EngineUnavailable, FileProblem, GenerationFailed
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.sound import Audio
from nur_studio.engines.base import Music, MusicTask, ReferenceAudio
from nur_studio.engines.device import Device
from nur_studio.engines.models import CODEC, TEXT_ENCODER
from nur_studio.engines.models import model as model_named
from nur_studio.engines.musicgen import taking, together
from nur_studio.engines.musicgen.decoding import Window
from nur_studio.engines.musicgen.engine import MusicGenEngine, musicgen
from nur_studio.engines.musicgen.guards import Verdict
from nur_studio.engines.musicgen.references import read_codes, write_codes
from nur_studio.engines.products import has

PROMPT = "calm piano, 90 bpm"
BAR_FRAMES = 4 * 60 / 90 * 50
Engines = Callable[[str], MusicGenEngine]


class Listener:
    """Hears a take grow."""

    def __init__(self) -> None:
        self.parts: list[Audio] = []
        self.rewinds: list[int] = []
        self.rates: set[int] = set()

    def __call__(self, audio: Audio, sample_rate: int) -> None:
        self.parts.append(audio)
        self.rates.add(sample_rate)

    def rewind(self, frames: int) -> None:
        self.rewinds.append(frames)
        self.parts = [self.heard[:frames]]

    @property
    def heard(self) -> Audio:
        return np.concatenate(self.parts)


@pytest.fixture(scope="module")
def engines(weights_folder: Path) -> Engines:
    made: dict[str, MusicGenEngine] = {}

    def engine(name: str) -> MusicGenEngine:
        if name not in made:
            made[name] = musicgen(name, str(weights_folder), "cpu")
        return made[name]

    return engine


def task(duration_s: float = 5.0, *, controls: Controls | None = None, **changes: Any) -> MusicTask:
    reading = read_prompt(PROMPT)
    return replace(MusicTask(PROMPT, duration_s, 90, 7, reading, controls or Controls()), **changes)


def make(engine: MusicGenEngine, task: MusicTask, cancel: CancelToken | None = None) -> tuple[Music, Listener]:
    listener = Listener()
    return engine.generate(task, lambda _: None, listener, cancel or CancelToken()), listener


@pytest.fixture(scope="module")
def usual(engines: Engines) -> tuple[Music, Listener]:
    """The take of `task()`, and what was heard of it."""
    return make(engines("musicgen-small"), task())


def test_the_recipe_says_the_precision_and_a_seed_gives_the_same_take_again_in_it(weights_folder: Path) -> None:
    if not has("int8"):
        pytest.skip("this processor's bytes are not quick, and so not used")
    engine = musicgen("musicgen-small", str(weights_folder), "cpu", "fast")
    asked = task(1.5, controls=Controls(loop=True))
    first = make(engine, asked)[0]
    engine.release()
    again = make(engine, asked)[0]
    assert first.details["precision"] == "int8"
    assert np.array_equal(first.mix, again.mix)
    usual = make(musicgen("musicgen-small", str(weights_folder), "cpu"), asked)[0]
    assert usual.details["precision"] == "fp16"
    assert not np.array_equal(first.mix, usual.mix)


@pytest.mark.parametrize("name", ["musicgen-small", "musicgen-stereo-small", "musicgen-melody"])
@pytest.mark.parametrize(("duration_s", "rate"), [(5.0, 44100), (5.017, 48000)])
def test_a_take_is_exact_to_the_sample_and_at_level(engines: Engines, name: str, duration_s: float, rate: int) -> None:
    music, listener = make(engines(name), task(duration_s, sample_rate=rate))
    assert music.mix.shape == (round(duration_s * rate), 2)
    assert listener.rates == {rate}
    assert len(listener.heard) == len(music.mix)
    assert true_peak_dbtp(music.mix) <= -0.95
    assert integrated_lufs(music.mix, rate) == pytest.approx(-14.0, abs=1.0)
    one_channel = np.array_equal(music.mix[:, 0], music.mix[:, 1])
    assert one_channel == ("stereo" not in name)
    assert music.codes is not None
    assert music.codes.shape == (8 if "stereo" in name else 4, int(np.ceil(duration_s * 50 - 1e-9)))


def test_the_same_task_gives_the_same_samples_and_another_seed_others(
    engines: Engines, usual: tuple[Music, Listener]
) -> None:
    again, other = (make(engines("musicgen-small"), task(seed=seed))[0].mix for seed in (7, 8))
    assert np.array_equal(usual[0].mix, again)
    assert not np.array_equal(again, other)


def test_what_is_heard_live_is_what_is_kept(engines: Engines) -> None:
    music, listener = make(engines("musicgen-small"), task(6.0, controls=Controls(loop=True), master=False))
    gain = float((music.mix * listener.heard).sum() / (listener.heard**2).sum())
    quiet = abs(listener.heard) < 0.3  # where no limiter works
    assert gain <= 1.0
    assert len(listener.parts) > 6  # twice a second, not at the end
    assert np.corrcoef(music.mix[quiet], listener.heard[quiet])[0, 1] > 0.99


def test_without_mastering_the_model_keeps_its_level_and_does_not_clip(engines: Engines) -> None:
    music, _ = make(engines("musicgen-small"), task(master=False))
    assert true_peak_dbtp(music.mix) <= -0.95


def test_the_end_fades_unless_a_loop_is_asked(engines: Engines, usual: tuple[Music, Listener]) -> None:
    loop = make(engines("musicgen-small"), task(controls=Controls(loop=True)))[0].mix
    assert abs(usual[0].mix[-200:]).max() < 1e-3
    assert abs(loop[-4410:]).max() > 0.05


def test_long_pieces_carry_tokens_from_window_to_window(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = _watch(monkeypatch)
    music, _ = make(engines("musicgen-small"), task(36.0))
    log: Any = music.details["windows"]
    assert len(log) == len(windows) >= 2
    assert music.codes is not None
    for entry, (frames, prompt) in zip(log[1:], windows[1:], strict=True):
        start, carry = round(entry["start_s"] * 50), round(entry["carry_s"] * 50)
        assert 8 * 50 <= carry <= 20 * 50
        assert start / BAR_FRAMES == pytest.approx(round(start / BAR_FRAMES), abs=0.01)
        assert np.array_equal(prompt[0].numpy(), music.codes[:, start - carry : start])
        assert frames <= 1500


def test_shorter_windows_make_the_piece_of_the_same_length(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = _watch(monkeypatch)
    music, _ = make(engines("musicgen-small"), task(25.0, controls=Controls(window_s=10)))
    assert music.mix.shape == (25 * 44100, 2)
    assert music.details["window_s"] == 10.0
    assert len(windows) >= 3
    assert max(frames for frames, _ in windows) <= 500
    assert all(150 <= prompt.shape[-1] <= 333 for _, prompt in windows[1:])


def test_a_section_begins_at_its_bar_with_its_own_words(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    sections = (SectionPrompt(0, "calm piano"), SectionPrompt(2, "loud drums"))
    music, _ = make(engines("musicgen-small"), task(9.0, controls=Controls(sections=sections)))
    log: Any = music.details["windows"]
    assert [entry["section"] for entry in log] == [0, 1]
    assert log[1]["start_s"] == pytest.approx(2 * 4 * 60 / 90, abs=0.01)
    assert [text.split(".")[0] for text in music.details["descriptions"]] == ["calm piano", "loud drums"]  # type: ignore[attr-defined]
    assert [(section.name, section.start_bar) for section in music.sections] == [("Calm piano", 0), ("Loud drums", 2)]
    plain, _ = make(engines("musicgen-small"), task(9.0, controls=Controls(sections=sections[:1])))
    change = round(2 * BAR_FRAMES)
    assert music.codes is not None
    assert plain.codes is not None
    assert np.array_equal(music.codes[0, :change], plain.codes[0, :change])
    assert not np.array_equal(music.codes[:, change:], plain.codes[:, change:])


def test_what_is_sent_can_be_edited(engines: Engines, usual: tuple[Music, Listener]) -> None:
    engine = engines("musicgen-small")
    own, _ = make(engine, task(controls=Controls(description="sad guitar")))
    assert own.details["descriptions"] == ["sad guitar"]
    plain, _ = usual
    assert plain.details["descriptions"] == ["calm piano, 90 bpm. genre: pop. bpm: 90"]
    steered, _ = make(engine, task(controls=Controls(negative="sad guitar")))
    sure, _ = make(engine, task(controls=Controls(guidance=1.0, temperature=0.2, top_k=3)))
    takes = [music.mix for music in (own, plain, steered, sure)]
    assert not any(np.array_equal(a, b) for i, a in enumerate(takes) for b in takes[:i])


# -- windows that lose the thread ------------------------------------------------------------------------------------


def test_a_window_that_lost_the_thread_is_rolled_again_and_nobody_keeps_it(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = iter([("silence",), ()])
    monkeypatch.setattr(taking, "judge", lambda *_: Verdict(next(verdicts), {}))
    music, listener = make(engines("musicgen-small"), task(6.0, controls=Controls(loop=True), master=False))
    (entry,) = music.details["windows"]  # type: ignore[misc]
    seeds = [roll["seed"] for roll in entry["rolls"]]
    assert seeds == [7, taking.window_seed(7, 0, 1)]
    assert entry["seed"] == seeds[1]
    assert listener.rewinds == [0]
    assert len(listener.heard) == 6 * 44100
    monkeypatch.setattr(taking, "judge", lambda *_: Verdict((), {}))
    straight, heard = make(
        engines("musicgen-small"), task(6.0, seed=seeds[1], controls=Controls(loop=True), master=False)
    )
    assert np.array_equal(music.mix, straight.mix)
    assert np.array_equal(listener.heard, heard.heard)


def test_rolling_again_ends_and_the_least_bad_is_kept(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = iter([("silence", "level creep"), ("silence",), ("silence", "lost onsets")])
    monkeypatch.setattr(taking, "judge", lambda *_: Verdict(next(verdicts), {}))
    music, listener = make(engines("musicgen-small"), task(5.0))
    (entry,) = music.details["windows"]  # type: ignore[misc]
    assert [roll["faults"] for roll in entry["rolls"]] == [
        ["silence", "level creep"], ["silence"], ["silence", "lost onsets"],
    ]  # fmt: skip
    assert entry["seed"] == entry["rolls"][1]["seed"]
    assert len(listener.heard) == len(music.mix)


def test_a_later_window_rolled_again_leaves_what_was_before(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = iter([(), ("silence",), ()])
    monkeypatch.setattr(taking, "judge", lambda *_: Verdict(next(verdicts), {}))
    sections = (SectionPrompt(0, "calm piano"), SectionPrompt(2, "loud drums"))
    asked = task(9.0, controls=Controls(sections=sections, loop=True), master=False)
    music, listener = make(engines("musicgen-small"), asked)
    (rewound,) = listener.rewinds
    assert 4.0 * 44100 < rewound <= 5.34 * 44100
    monkeypatch.setattr(taking, "judge", lambda *_: Verdict((), {}))
    straight, heard = make(engines("musicgen-small"), asked)
    assert len(listener.heard) == len(heard.heard)
    assert np.array_equal(listener.heard[:rewound], heard.heard[:rewound])
    assert not np.array_equal(music.mix, straight.mix)


# -- ending early ----------------------------------------------------------------------------------------------------


def test_enough_keeps_what_was_made(engines: Engines) -> None:
    cancel = CancelToken()
    whole, _ = make(engines("musicgen-small"), task(10.0, controls=Controls(loop=True), master=False))

    def stop(progress: Progress) -> None:
        if progress.stage == "making music" and progress.fraction > 0.5:
            cancel.keep()

    music = engines("musicgen-small").generate(
        task(10.0, controls=Controls(loop=True), master=False), stop, Listener(), cancel
    )
    assert 4.5 * 44100 < len(music.mix) < 6 * 44100
    assert music.note.startswith("Ended early, as asked: 5.")
    assert whole.note == ""
    assert music.codes is not None
    assert whole.codes is not None
    assert len(music.mix) == music.codes.shape[1] * 882
    assert np.array_equal(music.codes, whole.codes[:, : music.codes.shape[1]])


def test_enough_before_a_second_is_a_cancel(engines: Engines) -> None:
    cancel = CancelToken()
    cancel.keep()
    with pytest.raises(Cancelled):
        make(engines("musicgen-small"), task(), cancel)


def test_cancel_stops_at_the_next_step(engines: Engines) -> None:
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.stage == "making music":
            cancel.cancel()

    with pytest.raises(Cancelled):
        engines("musicgen-small").generate(task(), stop, Listener(), cancel)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_keeps_what_was_made(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    _fail_at(monkeypatch, 130, error)
    music, _ = make(engines("musicgen-small"), task(10.0))
    assert 2 * 44100 <= len(music.mix) <= 3 * 44100
    assert music.note.startswith("Memory ran out after 2.")
    assert music.note.endswith("try shorter windows.")


def test_out_of_memory_at_once_is_a_sentence(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_at(monkeypatch, 3, torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(GenerationFailed, match="not enough memory for MusicGen small") as caught:
        make(engines("musicgen-small"), task())
    assert caught.value.hint == "Close other programs, or try shorter windows."


def test_the_ways_out_of_too_little_memory_are_there() -> None:
    card = Device("cuda", "a card", 8 << 30, "bf16")
    large, small = model_named("large"), model_named("small")
    assert taking.less_memory(large, card) == "a smaller model, shorter windows or the CPU as device"
    assert taking.less_memory(large, Device("cpu", "CPU", 8 << 30, "fp32")) == "a smaller model or shorter windows"
    assert taking.less_memory(small, card) == "shorter windows or the CPU as device"


def test_another_fault_is_not_taken_for_it(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_at(monkeypatch, 130, RuntimeError("a shape is wrong"))
    with pytest.raises(RuntimeError, match="a shape is wrong"):
        make(engines("musicgen-small"), task(10.0))


# -- references ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["musicgen-small", "musicgen-stereo-small"])
def test_extending_our_own_take_goes_on_from_its_tokens(engines: Engines, tmp_path: Path, name: str) -> None:
    first, _ = make(engines(name), task(5.0))
    assert first.codes is not None
    write_codes(tmp_path / "codes.npz", first.codes, name, 50.0)
    reference = ReferenceAudio((tmp_path / "absent.wav",), 1.0, 4.0, tmp_path / "codes.npz")
    controls = Controls(reference=Reference("continue", "trk_aaaaaaaaaaaa", start_s=1.0, end_s=4.0))
    music, _ = make(engines(name), task(8.0, controls=controls, reference=reference))
    assert music.mix.shape == (8 * 44100, 2)
    assert music.codes is not None
    assert np.array_equal(music.codes[:, :150], first.codes[:, 50:200])
    assert music.details["continued_s"] == 3.0


def test_other_audio_is_encoded_once(engines: Engines, tmp_path: Path) -> None:
    seconds = np.arange(3 * 44100) / 44100
    soundfile.write(tmp_path / "tone.wav", np.stack([np.sin(440 * 6.28 * seconds)] * 2, 1) * 0.3, 44100)
    reference = ReferenceAudio((tmp_path / "tone.wav",))
    controls = Controls(reference=Reference("continue", str(tmp_path / "tone.wav")))
    music, _ = make(engines("musicgen-small"), task(6.0, controls=controls, reference=reference))
    assert music.details["continued_s"] == 3.0
    assert music.mix.shape == (6 * 44100, 2)


def test_damaged_codes_give_way_to_the_audio(engines: Engines, tmp_path: Path) -> None:
    (tmp_path / "codes.npz").write_bytes(b"PK nonsense")
    with pytest.raises(FileProblem):
        read_codes(tmp_path / "codes.npz")
    soundfile.write(tmp_path / "noise.wav", np.random.default_rng(0).uniform(-0.1, 0.1, (2 * 32000, 2)), 32000)
    reference = ReferenceAudio((tmp_path / "noise.wav",), codes=tmp_path / "codes.npz")
    controls = Controls(reference=Reference("continue", "x"))
    music, _ = make(engines("musicgen-small"), task(5.0, controls=controls, reference=reference))
    assert music.details["continued_s"] == 2.0


def test_a_melody_is_followed_by_models_that_can(engines: Engines, tmp_path: Path) -> None:
    seconds = np.arange(4 * 32000) / 32000
    for hertz in (220, 330):
        soundfile.write(tmp_path / f"{hertz}.wav", np.sin(hertz * 6.2832 * seconds) * 0.5, 32000)
    takes = []
    for hertz in (220, 330):
        path = tmp_path / f"{hertz}.wav"
        controls = Controls(reference=Reference("melody", str(path)))
        asked = task(5.0, controls=controls, reference=ReferenceAudio((path,)))
        takes.append(make(engines("musicgen-melody"), asked)[0].codes)
    assert not np.array_equal(*takes)
    with pytest.raises(GenerationFailed, match="follows no melody"):
        make(engines("musicgen-small"), asked)


def test_a_count_in_is_heard_by_the_model_alone(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = _watch(monkeypatch)
    music, listener = make(engines("musicgen-small"), task(5.0, controls=Controls(count_in=True)))
    assert music.mix.shape == (5 * 44100, 2)
    assert len(listener.heard) == 5 * 44100
    assert music.codes is not None
    assert music.codes.shape[1] == 250
    count_in_s: Any = music.details["count_in_s"]
    assert 4.0 <= count_in_s <= 8.0
    assert count_in_s / (4 * 60 / 90) == pytest.approx(round(count_in_s / (4 * 60 / 90)), abs=0.02)
    ((frames, prompt),) = windows
    assert frames == prompt.shape[-1] + 250


# -- loading ---------------------------------------------------------------------------------------------------------


def test_a_released_model_loads_again_and_sounds_the_same(weights_folder: Path) -> None:
    engine = musicgen("musicgen-small", str(weights_folder), "cpu")
    engine.warm()
    before, _ = make(engine, task())
    engine.release()
    engine.release()
    after, _ = make(engine, task())
    assert np.array_equal(before.mix, after.mix)


@pytest.mark.parametrize(
    ("name", "other", "kind"),
    [
        ("musicgen-small", "musicgen-stereo-small", "mono model that follows no tune"),
        ("musicgen-stereo-small", "musicgen-small", "stereo model that follows no tune"),
        ("musicgen-melody", "musicgen-medium", "mono model that follows a tune"),
    ],
)
def test_a_model_under_the_name_of_another_kind_is_a_sentence(
    weights_folder: Path, tmp_path: Path, name: str, other: str, kind: str
) -> None:
    for part in (TEXT_ENCODER.name, CODEC.name):
        shutil.copytree(weights_folder / part, tmp_path / part)
    shutil.copytree(weights_folder / name, tmp_path / other)
    with pytest.raises(EngineUnavailable, match=f"is another model, a {kind}"):
        make(musicgen(other, str(tmp_path), "cpu"), task())


def test_missing_weights_and_absent_devices_are_sentences(tmp_path: Path, weights_folder: Path) -> None:
    with pytest.raises(FileProblem, match="not on this machine"):
        make(musicgen("musicgen-small", str(tmp_path), "cpu"), task())
    if not torch.cuda.is_available():
        with pytest.raises(EngineUnavailable, match="CUDA was chosen"):
            make(musicgen("musicgen-small", str(weights_folder), "cuda"), task())


def _watch(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, torch.Tensor]]:
    """Every window decoded from now on: its frames and its prompt."""
    seen: list[tuple[int, torch.Tensor]] = []

    def window(model: Any, conditions: Any, frames: int, seeds: Any, sampling: Any, prompt: torch.Tensor) -> Window:
        seen.append((frames, prompt))
        return Window(model, conditions, frames, seeds, sampling, prompt)

    monkeypatch.setattr(together, "Window", window)
    return seen


def _fail_at(monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> None:
    count = 0
    real = Window.step

    def failing(self: Window) -> None:
        nonlocal count
        count += 1
        if count == step:
            raise error
        real(self)

    monkeypatch.setattr(Window, "step", failing)
