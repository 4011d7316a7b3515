"""Make a long take with the real engine on a tiny random model, and print what happened window by window.

    .venv/bin/python packaging/bench_longform.py [--seconds 300] [--seed 7] [--family text|stereo] [--doubt EVERY]

The weights are random, so the sound is noise: what is measured is the machinery. The table has one row for each roll of
each window. Below it: exact length, loudness, true peak, and how far what was heard while it was made lies from the
same codes decoded in one go. Seconds depend on what else the machine does.

Noise seldom fails the guards. With --doubt 3 the first roll of every third window is found faulty whatever it is
("doubt"), so that going back is part of what is measured.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from nur_studio.audio.loudness import integrated_lufs, true_peak_dbtp
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.sound import Audio
from nur_studio.engines.base import Codes, Music, MusicTask
from nur_studio.engines.importing import import_folder
from nur_studio.engines.models import music_model as model_named
from nur_studio.engines.musicgen import taking
from nur_studio.engines.musicgen.codec import decode_whole
from nur_studio.engines.musicgen.delivery import Resampler
from nur_studio.engines.musicgen.engine import musicgen
from nur_studio.engines.musicgen.guards import History, Verdict, judge
from nur_studio.engines.musicgen.loading import ModelFolders, load
from nur_studio.engines.weights import WeightStore

PROMPT = "calm piano with drums, 90 bpm"
NAMES = {"text": "musicgen-small", "stereo": "musicgen-stereo-small"}


class Listener:
    """Hears a take grow, and forgets where it is told to."""

    def __init__(self) -> None:
        self.parts: list[Audio] = []
        self.rewinds: list[int] = []

    def __call__(self, audio: Audio, sample_rate: int) -> None:
        self.parts.append(audio)

    def rewind(self, frames: int) -> None:
        self.rewinds.append(frames)
        self.parts = [self.heard()[:frames]]

    def heard(self) -> Audio:
        return np.concatenate(self.parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--family", choices=tuple(NAMES), default="text")
    parser.add_argument("--doubt", type=int, default=0, metavar="EVERY")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)  # tiny products only wait for each other on more
    with tempfile.TemporaryDirectory() as folder:
        store = weights(Path(folder), options.family)
        reading = read_prompt(PROMPT)
        task = MusicTask(PROMPT, options.seconds, reading.tempo, options.seed, reading)
        listener = Listener()
        engine = musicgen(NAMES[options.family], str(store.folder), "cpu")
        engine.warm()
        if options.doubt:
            setattr(taking, "judge", doubting(options.doubt))  # noqa: B010
        start = time.perf_counter()
        music = engine.generate(task, ignore_progress, listener, CancelToken())
        wall = time.perf_counter() - start
        print_windows(music)
        rewinds = ", ".join(f"{frames / task.sample_rate:.2f}" for frames in listener.rewinds) or "none"
        print(f"rewinds: {len(listener.rewinds)} (to seconds: {rewinds})")
        print(f"wall: {wall:.1f} s for {options.seconds:g} s of music")
        wanted = round(options.seconds * task.sample_rate)
        print(f"frames: {len(music.mix)} made, {wanted} asked for, {len(listener.heard())} heard while it was made")
        lufs, peak = integrated_lufs(music.mix, music.sample_rate), true_peak_dbtp(music.mix)
        print(f"loudness: {lufs:.2f} LUFS, true peak {peak:.2f} dBTP")
        error = join_error_db(listener.heard(), decoded_at_once(store, options.family, music, wanted))
        print(f"heard against decoded in one go: {error[0]:.1f} dB at worst, {error[1]:.1f} dB in the mean")


def doubting(every: int) -> Callable[[Audio, int, Codes, History], Verdict]:
    """A judge who never lets the first roll of every `every`-th window pass."""
    doubted: set[int] = set()

    def judged(audio: Audio, sample_rate: int, codes: Codes, history: History) -> Verdict:
        verdict = judge(audio, sample_rate, codes, history)
        window = len(history.levels_db)
        if window % every != every - 1 or window in doubted:
            return verdict
        doubted.add(window)
        return replace(verdict, faults=(*verdict.faults, "doubt"))

    return judged


def weights(folder: Path, family: str) -> WeightStore:
    """A tiny model, imported as a person would."""
    tiny_musicgen: Any = importlib.import_module("tiny_musicgen")  # in tests/
    made = tiny_musicgen.make_musicgen(folder / "disk", family)
    made.checkpoint.rename(made.checkpoint.with_name(NAMES[family]))
    store = WeightStore(folder / "models")
    import_folder(store, folder / "disk", ignore_progress, CancelToken())
    return store


def print_windows(music: Music) -> None:
    """One row for each roll; the kept one has a star."""
    windows: Any = music.details["windows"]
    heads = (
        f"{'start':>7} {'end':>7} {'carry':>6}  {'seed':>18}  {'silent':>6} {'level':>6} {'onsets':>6} {'repeat':>6}"
    )
    print(f"{'':>3} {heads}  faults")
    for number, window in enumerate(windows):
        times = f"{window['start_s']:7.2f} {window['end_s']:7.2f} {window['carry_s']:6.2f}"
        for roll in window["rolls"]:
            kept = "*" if roll["seed"] == window["seed"] else " "
            names = ("silent_share", "level_db", "onsets_per_s", "repeated_share")
            measures = " ".join(f"{roll[name]:6.2f}" if name in roll else f"{'–':>6}" for name in names)
            print(f"{number:3} {times} {kept}{roll['seed']:>18}  {measures}  {', '.join(roll['faults']) or '–'}")


def decoded_at_once(store: WeightStore, family: str, music: Music, frames: int) -> Audio:
    """The take's kept codes as sound, decoded and resampled in one go; (frames, 2)."""
    import torch

    paths = store.paths(model_named(NAMES[family]))
    folders = ModelFolders(paths.checkpoint, paths.text_encoder, paths.codec)
    codec = load(folders, torch.device("cpu"), "fp32", ignore_progress, CancelToken()).codec
    assert music.codes is not None
    sound = decode_whole(codec, torch.from_numpy(music.codes.astype(np.int64))[None])[0]
    resampler = Resampler(codec.sample_rate, music.sample_rate, sound.shape[1])
    return resampler.add(sound, last=True)[:frames]


def join_error_db(heard: Audio, whole: Audio) -> tuple[float, float]:
    """The largest difference against the largest sample, and that of the powers."""
    assert heard.shape == whole.shape, f"{heard.shape} heard, {whole.shape} decoded"
    difference = heard.astype(np.float64) - whole
    worst = 20 * np.log10(np.max(np.abs(difference)) / np.max(np.abs(whole)) + 1e-20)
    return float(worst), float(10 * np.log10(np.mean(difference**2) / np.mean(whole.astype(np.float64) ** 2) + 1e-40))


if __name__ == "__main__":
    main()
