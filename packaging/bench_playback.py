"""Count the dropouts of playback while the machine is busy beside it; or time the audio callback.

    .venv/bin/python packaging/bench_playback.py [--seconds 120] [--lanes 4 6] [--beside nothing | busy | engine]
    .venv/bin/python packaging/bench_playback.py --callback [--lanes 4 6]

Plays lanes in real time into a private PulseAudio whose monitor is recorded; one lane numbers its own samples, so that
every lost or repeated frame shows in the capture. Beside it two processes do nothing but compute (the default), the
engine process makes one 30 s take after another, or there is nothing at all. Linux with PulseAudio's server, its
`parec` and its ALSA plug-in; the server and the recorder run in real time, as a sound card does, where that is allowed.
With --callback no device is needed: the same blocks are made with the metronome and without, in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from paper_sound_card import RATE, PulseCapture, alsa_config, counted, counting
from player_bench import Bench

from nur_studio.audio.player import Player, PlayerState
from nur_studio.audio.player_clicks import BeatTable
from nur_studio.audio.player_render import FADE_FRAMES
from nur_studio.audio.player_strips import BLOCK_FRAMES
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.request import GenerationRequest
from nur_studio.core.timing import Grid
from nur_studio.studio import Studio

LANES = ("drums", "bass", "vocals", "guitar", "piano", "rest", *(f"lane {n}" for n in range(7, 17)))
BESIDE = {"nothing": "nothing", "busy": "two busy processes", "engine": "the engine making takes of 30 s"}


# Sleeps at the highest real-time priority and says what it was late by: then the machine itself stood still.
WATCH = """
import os, sys, time
os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(90))
worst = count = 0
while not os.path.exists(sys.argv[1]):
    before = time.perf_counter()
    time.sleep(0.004)
    late = time.perf_counter() - before - 0.004
    worst, count = max(worst, late), count + (late > 0.02)
print(f"{count} times for over 20 ms, at most {worst * 1000:.0f} ms")
"""


@dataclass(frozen=True)
class Result:
    lanes: int
    dropouts: list[tuple[float, int, int]]  # at second, frames lost, frames of silence
    heard: int
    state: PlayerState
    stood_still: str


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the dropouts of playback while the machine is busy beside it.")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--lanes", type=int, nargs="+", default=[4, 6])
    parser.add_argument("--beside", choices=BESIDE, default="busy")
    parser.add_argument("--callback", action="store_true", help="time the callback with and without the metronome")
    options = parser.parse_args()
    if options.callback:
        for lanes in options.lanes:
            time_callback(LANES[:lanes])
        return
    frames = options.seconds * RATE
    print(f"{options.seconds} s at {RATE} Hz in blocks of {BLOCK_FRAMES}, beside {BESIDE[options.beside]}", flush=True)
    print("lanes            latency got  dropouts  reported  frames heard           load  error", flush=True)
    for lanes in options.lanes:
        result = measured(LANES[:lanes], frames, options.beside)
        print(
            f"{lanes:5}  {result.state.latency_s * 1000:18.1f} ms  {len(result.dropouts):8}  {result.state.dropouts:8}"
            f"  {result.heard:9} of {frames:9}  {os.getloadavg()[0]:4.1f}  {result.state.error or 'none'}",
            flush=True,
        )
        print(f"       the machine stood still {result.stood_still}", flush=True)
        for second, lost, silent in result.dropouts[:20]:
            print(f"       at {second:7.2f} s: {lost} frames lost, {silent} frames of silence", flush=True)


def time_callback(lanes: Sequence[str]) -> None:
    """How long a block takes, half of them with clicks at 174 BPM; in turn, so that a busy machine is fair to both."""
    chance = np.random.default_rng(1)
    sounds = {lane: (chance.standard_normal((30 * RATE, 2)) * 0.1).astype(np.float32) for lane in lanes}
    benches: list[Bench] = [Bench(sounds), Bench(sounds)]
    times: list[list[float]] = [[], []]
    for bench, gain in zip(benches, (0.0, 1.0), strict=True):
        bench.source.beats = BeatTable(Grid(174.0), RATE, 30 * RATE, RATE)
        bench.block.clicks[:] = gain
        bench.order(loop=(0, 30 * RATE))
        bench.play()
        bench.blocks(50)
    out = np.zeros((BLOCK_FRAMES, 2), np.float32)
    for _ in range(200):
        for bench, taken in zip(benches, times, strict=True):
            for _ in range(100):
                began = time.perf_counter()
                bench.renderer.render(out, 0.0)
                taken.append(time.perf_counter() - began)
    without, beside = (np.array(taken) * 1e6 for taken in times)
    print(
        f"{len(lanes)} lanes: median {np.median(without):.1f} µs a block, with metronome {np.median(beside):.1f} µs "
        f"(×{np.median(beside) / np.median(without):.3f}); a block lasts {BLOCK_FRAMES / RATE * 1e6:.0f} µs"
    )


def measured(lanes: Sequence[str], frames: int, beside: str) -> Result:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = []
        for lane in lanes:
            audio = counting(frames) if lane == lanes[0] else np.zeros((frames, 2), np.float32)
            path = folder / f"{lane}.flac"
            soundfile.write(path, audio, RATE, subtype="PCM_24")
            sources.append((lane, path))
        capture = PulseCapture(folder)
        capture.plug_in()
        player = Player()
        try:
            with alsa_config(capture.config), work_beside(beside, folder), watch(folder) as watcher:
                player.load(sources, RATE, frames)
                capture.record()
                player.play()
                while not (state := player.state()).ended and not state.error:
                    time.sleep(1 / 60)
                time.sleep(0.5)
        finally:
            player.close()
        assert watcher.stdout is not None
        stood_still = watcher.stdout.read().strip() or "as long as nobody may measure"
        heard = counted(capture.played())
        capture.unplug()
    at = np.flatnonzero((heard >= 0) & (heard < frames))
    return Result(len(lanes), dropouts(heard[at], at), len(at), state, stood_still)


def dropouts(numbers: np.ndarray, at: np.ndarray) -> list[tuple[float, int, int]]:
    """Where the frame `numbers`, heard `at` these places, do not follow each other. A fade after one belongs to it."""
    gaps = np.flatnonzero((np.diff(numbers) != 1) | (np.diff(at) != 1))
    found = []
    for group in np.split(gaps, np.flatnonzero(np.diff(gaps) > 2 * FADE_FRAMES) + 1) if gaps.size else []:
        before, after = group[0], group[-1] + 1
        passed, played = at[after] - at[before], numbers[after] - numbers[before]
        silent = passed - (after - before)
        found.append((numbers[before] / RATE, int(played - passed + silent), int(silent)))
    return found


@contextlib.contextmanager
def watch(folder: Path) -> Iterator[subprocess.Popen[str]]:
    done = folder / "done"
    arguments = [sys.executable, "-c", WATCH, str(done)]
    watcher = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield watcher
    finally:
        done.touch()


@contextlib.contextmanager
def work_beside(kind: str, folder: Path) -> Iterator[None]:
    if kind == "busy":
        busy = [subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"]) for _ in range(2)]
        try:
            yield
        finally:
            for process in busy:
                process.kill()
                process.wait()
    elif kind == "engine":
        cancel = CancelToken()
        made: list[str] = []

        def make() -> None:
            with Studio(Directories.below(folder / "home")) as studio:
                request = GenerationRequest("drum and bass with a deep reese, 174 bpm", duration=30)
                with contextlib.suppress(Exception):  # the last one is cancelled
                    while True:
                        made.extend(t.id for t in studio.generate(request, ignore_progress, lambda _: None, cancel))

        maker = threading.Thread(target=make)
        maker.start()
        try:
            yield
        finally:
            cancel.cancel()
            maker.join()
            print(f"{len(made)} takes of 30 s were made meanwhile")
    else:
        yield


if __name__ == "__main__":
    main()
