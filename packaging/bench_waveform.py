"""Measures the track view: ms per frame of zoom and pan over five minutes in all lanes, and of the moving playhead.

    python packaging/bench_waveform.py [--stems 6] [--theme light] [--width 1440 --height 900] [--frames 120]

Every frame is painted for real (on a screen, under Xvfb, or with QT_QPA_PLATFORM=offscreen). At 60 frames a second
there are 16.7 ms for one.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from nur_studio.audio.peaks import PeakPyramid
from nur_studio.audio.player_state import PlayerState
from nur_studio.core.mix import SIX_LANES, STEMS
from nur_studio.core.track import Status, Track
from nur_studio.gui.theme import apply_theme
from nur_studio.gui.track_view import TrackView

SECONDS, RATE = 300, 44100


def five_minutes(stems: tuple[str, ...]) -> tuple[Track, dict[str, PeakPyramid]]:
    """Noise that swells and falls on beats: as much to draw as music has."""
    random, frames = np.random.default_rng(1), SECONDS * RATE
    pulse = np.exp(-4.0 * (np.arange(frames, dtype=np.float32) / RATE * 2.0 % 1.0))
    lanes: dict[str, PeakPyramid] = {}
    for name in ("mix", *stems):
        mono = random.uniform(-0.8, 0.8, frames).astype(np.float32) * pulse
        lanes[name] = PeakPyramid.from_audio(np.stack((mono, mono), axis=1))
    track = Track(
        id="trk_benchmark000", status=Status.COMPLETED, title="Benchmark", prompt="", genre="house", tempo=120,
        duration_s=float(SECONDS), output_format="wav", engine="sketch", seed=1, created_at=datetime.now(UTC),
        folder=Path(), frames=frames, sample_rate=RATE, tempo_asked=120, tempo_measured=120.0,
        lanes=stems,
    )  # fmt: skip
    return track, lanes


def measure(name: str, app: QApplication, frames: int, step: Callable[[int], None]) -> None:
    """Time each frame, the step and all the painting that it causes; print what was found.

    Processor time beside the clock's: on a busy machine the first says what the view costs, the second what is left.
    """
    taken, used = [], time.process_time()
    for number in range(frames):
        begin = time.perf_counter()
        step(number)
        app.processEvents()
        taken.append((time.perf_counter() - begin) * 1000)
    cpu = (time.process_time() - used) / frames * 1000
    ordered = sorted(taken)
    median, slow = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    print(f"{name:<34} median {median:6.2f} ms   95 % {slow:6.2f} ms   processor {cpu:6.2f} ms a frame")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stems", type=int, choices=(4, 6), default=4)
    parser.add_argument("--theme", default="dark")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--frames", type=int, default=120)
    wanted = parser.parse_args()
    app = QApplication([])
    apply_theme(app, wanted.theme)
    view = TrackView()
    view.resize(wanted.width, wanted.height)
    stems = STEMS if wanted.stems == 4 else SIX_LANES
    track, peaks = five_minutes(stems)
    view.show_track(track, (track,), peaks)
    view.show()
    app.processEvents()
    timeline = view.timeline
    print(f"{SECONDS} s, {len(peaks)} lanes, {view.width()}×{view.height()}, {app.platformName()}")

    def zoom(number: int) -> None:
        timeline.zoom(1.08 if number % 100 < 50 else 1 / 1.08, timeline.width * 0.3)

    def pan(number: int) -> None:
        timeline.pan(9.0)

    def play(number: int) -> None:
        levels = dict.fromkeys(stems, (0.3 + 0.2 * (number % 7) / 7, 0.4))
        rms = dict.fromkeys(stems, (0.1 + 0.1 * (number % 5) / 5, 0.15))
        view.set_player_state(
            PlayerState(
                position_frames=number * RATE // 60,
                playing=True,
                peaks=levels,
                rms=rms,
                master_peaks=(0.7, 0.6),
                master_rms=(0.25, 0.2),
                momentary_lufs=-14.0 - number % 9 / 3,
                short_term_lufs=-14.5,
            )
        )

    measure("zoom", app, wanted.frames, zoom)
    timeline.fit()
    timeline.zoom(8.0, 0.0)
    measure("pan, 8× zoomed", app, wanted.frames, pan)
    timeline.fit()
    timeline.zoom(16.0, 0.0)
    measure("playhead and meters, with painting", app, wanted.frames, play)
    used = time.process_time()
    for number in range(wanted.frames):
        play(number)
    print(f"set_player_state alone: {(time.process_time() - used) / wanted.frames * 1000:.2f} ms")


if __name__ == "__main__":
    main()
