"""Measure what must be quick below the window: reading a prompt, composing, drawing peaks, searching the library.

    .venv/bin/python packaging/bench_parts.py

Milliseconds of processor time, the median of twenty rounds.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from nur_studio.audio.peaks import PeakPyramid
from nur_studio.core.prompt import read_prompt
from nur_studio.core.request import MAX_PROMPT
from nur_studio.core.track import Status, Track, new_track_id
from nur_studio.engines.base import MusicTask
from nur_studio.engines.sketch.compose import compose
from nur_studio.library.library import Library

PROMPT = "Upbeat lo-fi hip hop beat with jazzy piano chords, no vocals, 85 bpm, in F# minor and vinyl crackle"


def main() -> None:
    show("read a prompt, on each key", lambda: read_prompt(PROMPT))
    show("read the longest prompt", lambda: read_prompt("rainy piano " * (MAX_PROMPT // 12)))
    for genre, seconds in (("lo-fi", 30), ("metal", 30), ("cinematic", 300)):
        reading = read_prompt(genre)
        task = MusicTask(genre, float(seconds), reading.tempo, 5, reading)
        show(f"compose {genre}, {seconds} s", lambda task=task: compose(task))  # type: ignore[misc]
    noise = np.random.default_rng(1).uniform(-1, 1, (300 * 44100, 2)).astype(np.float32)
    peaks = PeakPyramid.from_audio(noise)
    for name, span in (("all", len(noise)), ("an eighth", len(noise) // 8), ("0.25 s", 11025)):
        show(f"peaks of 300 s, {name} in 1500 columns", lambda span=span: peaks.view(1000.3, 1000.3 + span, 1500))  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Library(Path(folder))) as library:
        library.add(*(take(library, number) for number in range(10_000)))
        show("library of 10 000: newest 200", lambda: library.list(limit=200))
        show("library of 10 000: search", lambda: library.list("rain night", limit=200))
        show("library of 10 000: has it changed", library.change_count)


def take(library: Library, number: int) -> Track:
    words = ("rain", "night", "tape", "sun", "dub", "waltz", "sea")
    title = f"{words[number % 7]} {words[number // 7 % 7]} {number}"
    track_id = new_track_id()
    return Track(
        id=track_id, status=Status.COMPLETED, title=title, prompt=title, genre="lo-fi", tempo=85, duration_s=30.0,
        output_format="mp3", engine="sketch", seed=number, folder=library.folder(track_id), group_id=track_id,
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number), recipe={"plan": "x" * 1500},
    )  # fmt: skip


def show(name: str, work: Callable[[], object]) -> None:
    work()
    rounds = []
    for _ in range(20):
        started = time.process_time()
        work()
        rounds.append(time.process_time() - started)
    print(f"{name:45} {statistics.median(rounds) * 1e3:8.2f} ms")


if __name__ == "__main__":
    main()
