"""Count the dropouts of playback while the engine makes music beside it.

    .venv/bin/python packaging/bench_playback.py [SECONDS] [--idle | --busy]

Plays four stems in real time into a private PulseAudio whose monitor is recorded; one stem numbers its own samples, so
that every lost or repeated frame shows. Beside it the engine process makes one 30 s take after another (the default),
nothing at all (--idle), or two processes do nothing but compute (--busy). Linux with PulseAudio's server, its `parec`
and its ALSA plug-in.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from paper_sound_card import RATE, PulseCapture, alsa_config, counted, counting

from nur_studio.audio.player import Player
from nur_studio.core.mix import STEMS
from nur_studio.core.paths import Directories
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.request import GenerationRequest
from nur_studio.studio import Studio


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the dropouts of playback while music is made beside it.")
    parser.add_argument("seconds", type=int, nargs="?", default=120)
    beside = parser.add_mutually_exclusive_group()
    beside.add_argument("--idle", action="store_const", dest="beside", const="nothing")
    beside.add_argument("--busy", action="store_const", dest="beside", const="two busy processes")
    parser.set_defaults(beside="the engine making takes of 30 s")
    options = parser.parse_args()
    frames = options.seconds * RATE
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lanes = []
        for stem in STEMS:
            path = folder / f"{stem}.flac"
            audio = counting(frames) if stem == "bass" else np.zeros((frames, 2), np.float32)
            soundfile.write(path, audio, RATE, subtype="PCM_24")
            lanes.append((stem, path))
        capture = PulseCapture(folder)
        capture.plug_in()
        player = Player()
        try:
            with alsa_config(capture.config), work_beside(options.beside, folder):
                player.load(lanes, RATE, frames)
                capture.record()
                player.play()
                while not (state := player.state()).ended and not state.error:
                    time.sleep(1 / 60)
                time.sleep(0.5)
        finally:
            player.close()
        heard = counted(capture.played())
        capture.unplug()
    report(heard, frames, options, state.error)


def report(heard: np.ndarray, frames: int, options: argparse.Namespace, error: str) -> None:
    at = np.flatnonzero((heard >= 0) & (heard < frames))
    numbers = heard[at]
    gaps = np.flatnonzero((np.diff(numbers) != 1) | (np.diff(at) != 1))
    print(
        f"{options.seconds} s of four stems beside {options.beside}: {len(gaps)} dropouts, {len(numbers)} of {frames}"
    )
    print(f"{len(numbers)} of {frames} frames heard; {error or 'no error'}")
    for gap in gaps[:20]:
        lost, silence = numbers[gap + 1] - numbers[gap] - 1, at[gap + 1] - at[gap] - 1
        print(f"  at {numbers[gap] / RATE:7.2f} s: {lost} frames lost, {silence} frames of silence")


@contextlib.contextmanager
def work_beside(kind: str, folder: Path) -> Iterator[None]:
    if kind.startswith("two"):
        busy = [subprocess.Popen([sys.executable, "-c", "while True: sum(range(10000))"]) for _ in range(2)]
        try:
            yield
        finally:
            for process in busy:
                process.kill()
                process.wait()
    elif kind.startswith("the engine"):
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
