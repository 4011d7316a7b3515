"""Measure Sketch on twelve prompts: speed, loudness, true peak, tempo, balance of bands and stems, mono compatibility.

    .venv/bin/python packaging/bench_sketch.py [--seconds 30] [--out FOLDER]

Everything is measured on the finished audio by readers that know nothing of the score. With --out, the mixes are
kept as WAV to listen to. Each prompt is made three times: once so that the process is warm, then with another seed
(`new`: a piece it has never made), then that one again (`same`). CPU seconds count all threads; wall seconds depend on
what else the machine does.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from pathlib import Path

# As in the engine process (engines/process.py), and before numpy is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from nur_studio.audio.files import Encoding, write_audio
from nur_studio.audio.loudness import integrated_lufs, true_peak_dbtp
from nur_studio.audio.tempo import measure_tempo
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.sound import Audio
from nur_studio.engines.base import Music, MusicTask, Unheard
from nur_studio.engines.sketch.engine import sketch

PROMPTS = (
    ("lo-fi", "Chill lo-fi beat with jazzy Rhodes, upright bass, vinyl crackle and rain, 78 bpm"),
    ("hip hop", "Boom bap hip hop with chopped piano and horn stabs, 90 bpm"),
    ("house", "Deep house with warm organ stabs and a rolling bass, 122 bpm"),
    ("techno", "Driving warehouse techno, acid bassline, 131 bpm"),
    ("drum and bass", "Liquid drum and bass with airy pads and a reese bass, 174 bpm"),
    ("ambient", "Slow ambient drone with bells and a long reverb, 60 bpm"),
    ("synthwave", "Synthwave night drive, arpeggios and gated snare, 100 bpm"),
    ("pop", "Bright pop song with plucks and a catchy hook, 110 bpm"),
    ("rock", "Loud rock with distorted guitars and big drums, 140 bpm"),
    ("jazz", "Jazz trio, walking bass, brushes and piano, 132 bpm"),
    ("classical", "String quartet in D minor, classical, 96 bpm"),
    ("cinematic", "Epic cinematic trailer with taiko, brass and choir, 90 bpm"),
)
BANDS = (20, 120, 500, 2000, 8000, 20000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    make(PROMPTS[0][1], options.seconds)
    print(f"{'':14} {'':>5} {'':>8} {'':>6} {'':>5} {'':>5}   new piece  same again")
    heads = f"{'genre':14} {'asked':>5} {'measured':>8} {'LUFS':>6} {'dBTP':>5} {'crest':>5}    cpu wall   cpu wall"
    print(f"{heads}  dB in bands {BANDS} Hz, stereo correlation at 0.3 to 2 kHz, LUFS of drums, bass, vocals, other")
    for genre, prompt in PROMPTS:
        make(prompt, options.seconds, seed=1)
        new = timed(prompt, options.seconds)
        same = timed(prompt, options.seconds)
        music = same[2]
        print(row(genre, music, f"{new[0]:5.2f} {new[1]:4.2f} {same[0]:5.2f} {same[1]:4.2f}"))
        residual = np.max(np.abs(music.mix - sum(music.stems.values())))
        assert residual < 1e-4, f"{genre}: stems miss the mix by {residual}"
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            write_audio(options.out / f"{genre}.wav", music.mix, music.sample_rate, Encoding("wav"))


def make(prompt: str, seconds: float, seed: int = 1234) -> Music:
    reading = read_prompt(prompt)
    task = MusicTask(prompt, seconds, reading.tempo, seed, reading)
    return sketch().generate(task, ignore_progress, Unheard(), CancelToken())


def timed(prompt: str, seconds: float) -> tuple[float, float, Music]:
    """CPU seconds, wall seconds, the music."""
    cpu, wall = time.process_time(), time.perf_counter()
    music = make(prompt, seconds)
    return time.process_time() - cpu, time.perf_counter() - wall, music


def row(genre: str, music: Music, seconds: str) -> str:
    heard = measure_tempo(music.mix, music.sample_rate, near=music.tempo)
    peak = 20 * np.log10(np.max(np.abs(music.mix)))
    rms = 10 * np.log10(np.mean(np.square(music.mix, dtype=np.float64)))
    stems = (integrated_lufs(music.stems[stem], music.sample_rate) for stem in STEMS)
    return (
        f"{genre:14} {music.tempo:5d} {heard.tempo if heard else float('nan'):8.2f} "
        f"{integrated_lufs(music.mix, music.sample_rate):6.1f} {true_peak_dbtp(music.mix):5.1f} {peak - rms:5.1f} "
        f" {seconds}  "
        + " ".join(f"{band:5.1f}" for band in bands(music.mix, music.sample_rate))
        + f"  {correlation(music.mix, music.sample_rate):5.2f}  "
        + " ".join("    –" if lufs < -70 else f"{lufs:5.1f}" for lufs in stems)
    )


def correlation(audio: Audio, sample_rate: int) -> float:
    """How alike the two sides are where music lives: under 0, a single loudspeaker loses it."""
    spectra = np.fft.rfft(audio, axis=0)
    hertz = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    left, right = spectra[(hertz > 300) & (hertz < 2000)].T
    return float(np.sum((left * right.conj()).real) / np.sqrt(np.sum(abs(left) ** 2) * np.sum(abs(right) ** 2)))


def bands(audio: Audio, sample_rate: int) -> list[float]:
    """Energy of each band relative to the whole, in dB."""
    power = np.abs(np.fft.rfft(audio.mean(axis=1))) ** 2
    hertz = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    total = power.sum()
    return [
        float(10 * np.log10(power[(hertz >= low) & (hertz < high)].sum() / total + 1e-12))
        for low, high in itertools.pairwise(BANDS)
    ]


if __name__ == "__main__":
    main()
