"""The engine end to end: words in, mastered music out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from nur_studio.audio.loudness import integrated_lufs, true_peak_dbtp
from nur_studio.audio.tempo import measure_tempo
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.sound import Audio
from nur_studio.engines.base import MusicTask
from nur_studio.engines.sketch.engine import sketch


def test_a_prompt_becomes_music() -> None:
    reading = read_prompt("slow lo-fi beat at 80 bpm with rhodes")
    task = MusicTask("slow lo-fi beat at 80 bpm with rhodes", 8.0, reading.tempo, 5, reading)
    heard: list[Audio] = []
    steps: list[Progress] = []
    music = sketch().generate(task, steps.append, lambda audio, rate: heard.append(audio), CancelToken())
    assert music.sample_rate == 44100
    assert music.mix.shape == (8 * 44100, 2)
    assert music.tempo == 80
    total = np.zeros_like(music.mix)
    for stem in music.stems.values():
        total += stem
    assert np.array_equal(total, music.mix)
    assert np.array_equal(np.concatenate(heard), music.mix)
    assert abs(integrated_lufs(music.mix, 44100) + 14.0) < 1.0
    assert true_peak_dbtp(music.mix) <= -1.0
    assert steps[0].stage == "composing"
    assert steps[-1].fraction == 1.0
    assert music.sheet is not None
    assert (music.sheet.tempo, music.sheet.key, music.sheet.sections) == (80.0, music.key, music.sections)
    assert {line.stem for line in music.sheet.lines} <= set(music.stems)


def test_an_epic_trailer_has_a_pulse() -> None:
    prompt = "Epic cinematic trailer with taiko, brass and choir, 90 bpm"
    reading = read_prompt(prompt)
    music = sketch().generate(
        MusicTask(prompt, 24.0, reading.tempo, 3, reading), lambda _: None, lambda audio, rate: None, CancelToken()
    )
    heard = measure_tempo(music.mix, music.sample_rate, near=90.0)
    assert heard is not None and abs(heard.tempo - 90.0) < 0.5
    # The choir that was asked for is heard in the mix: not on top, not buried.
    assert -12.0 < integrated_lufs(music.stems["vocals"], 44100) + 14.0 < -4.0


def test_the_module_is_cheap_to_import() -> None:
    code = "import sys, nur_studio.engines.sketch.engine; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
