"""Measure the tempo contract: what is heard in a hundred cases, beside librosa; what stretching and looping leave.

    .venv/bin/python packaging/bench_tempo.py [--seconds 24] [--librosa PYTHON] [--each]

Every case (tempo_cases.py) is listened to three times: with the tempo asked for (2 % off), with the genre's range, with
nothing. A hit is within 0.5 %; octave means half, double or a quarter of it. --librosa takes a Python that has librosa
(no part of the studio), which then hears the same sound with its `beat_track`, told the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as in the engine process, and before numpy is loaded

import numpy as np
from tempo_cases import Case, cases

from nur_studio.audio.analysis import Analysis, analyse
from nur_studio.audio.bars import cut_loop, plan_loop
from nur_studio.audio.files import Encoding, write_audio
from nur_studio.audio.loudness import true_peak_dbtp
from nur_studio.audio.seam import score_seam
from nur_studio.core.contract import Contract
from nur_studio.core.errors import StudioError
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.timing import Grid
from nur_studio.engines import delivering

TOLD = ("asked", "genre", "free")
WORDS = ("hit", "octave", "wrong", "none", "false", "silent")
LIBROSA = """
import json, sys, warnings
warnings.simplefilter("ignore")
import librosa, numpy as np
answers = {}
for name, starts in json.loads(sys.stdin.read()).items():
    sound, rate = librosa.load(name, sr=None)
    answers[name] = [float(np.atleast_1d(librosa.beat.beat_track(y=sound, sr=rate, start_bpm=s)[0])[0]) for s in starts]
print(json.dumps(answers))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--librosa", type=Path, metavar="PYTHON")
    parser.add_argument("--each", action="store_true", help="a line for every case as well")
    options = parser.parse_args()
    made = list(cases(options.seconds))
    ours: dict[tuple[str, str], Counter[str]] = {}
    readings, seconds = [], 0.0
    for case in made:
        heard = []
        for told in TOLD:
            before = time.process_time()
            analysis = listen(case, told)
            seconds += time.process_time() - before
            heard.append(analysis)
            ours.setdefault((case.family, told), Counter())[verdict(analysis.tempo, case.tempo)] += 1
        readings.append(heard[0])
        if options.each:
            answers = "  ".join(told_of(analysis, case) for analysis in heard)
            print(f"{case.family:10} {case.name:16} {case.tempo or 0:8.3f}  {answers}")
    print(f"{len(made)} cases of {options.seconds:.0f} s, {seconds / len(made) / len(TOLD):.3f} s of processor each")
    table("NUR Studio", ours)
    if options.librosa:
        table("librosa beat_track", librosa(made, options.librosa))
    precision(made, readings)
    delivery(made, readings)
    loops(made)


def listen(case: Case, told: str) -> Analysis:
    near = asked(case) if told == "asked" else None
    span = case.tempo_range if told == "genre" else None
    return analyse(case.audio, case.sample_rate, near=near, tempo_range=span, beats_per_bar=case.beats_per_bar)


def asked(case: Case) -> float:
    return 120.0 if case.tempo is None else float(round(case.tempo * 1.02))


def verdict(heard: float | None, true: float | None) -> str:
    if true is None:
        return "silent" if heard is None else "false"
    if heard is None:
        return "none"
    if abs(heard / true - 1.0) <= 0.005:
        return "hit"
    return "octave" if any(abs(heard / true / times - 1.0) <= 0.005 for times in (0.25, 0.5, 2.0, 4.0)) else "wrong"


def told_of(analysis: Analysis, case: Case) -> str:
    shown = f"{analysis.tempo:8.3f}" if analysis.tempo else "       –"
    return f"{verdict(analysis.tempo, case.tempo):6} {shown} {'steady' if analysis.steady else '':6}"


def table(title: str, counts: Mapping[tuple[str, str], Counter[str]]) -> None:
    print(f"\n{title}\n{'family':11}" + "".join(f"{told:>32}" for told in TOLD))
    print(" " * 11 + "".join(f"{'hit octave wrong none / false':>32}" for _ in TOLD))
    families = list(dict.fromkeys(family for family, _ in counts))
    totals = {("all", told): sum((counts[family, told] for family in families), Counter()) for told in TOLD}
    for family in [*families, "all"]:
        cells = []
        for told in TOLD:
            found = (totals if family == "all" else counts)[family, told]
            cells.append(
                "{hit:3} {octave:3} {wrong:3} {none:3} / {false:3}".format(**{word: found[word] for word in WORDS})
            )
        print(f"{family:11}" + "".join(f"{cell:>32}" for cell in cells))


def librosa(made: list[Case], python: Path) -> dict[tuple[str, str], Counter[str]]:
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for number, case in enumerate(made):
            path = Path(folder) / f"{number}.wav"
            write_audio(path, case.audio, case.sample_rate, Encoding("wav", "FLOAT"))
            low, high = case.tempo_range or (120.0, 120.0)
            files[str(path)] = (asked(case), (low + high) / 2.0, 120.0)
        run = subprocess.run(
            [str(python), "-c", LIBROSA], input=json.dumps(files), capture_output=True, text=True, check=True
        )
    counts: dict[tuple[str, str], Counter[str]] = {}
    for case, heard in zip(made, json.loads(run.stdout).values(), strict=True):
        for told, tempo in zip(TOLD, heard, strict=True):
            counts.setdefault((case.family, told), Counter())[verdict(tempo or None, case.tempo)] += 1
    return counts


def precision(made: list[Case], readings: list[Analysis]) -> None:
    """What the asked reading is worth where it hit: error, drift, beats, bars, steadiness, key."""
    off, ends, beats, bars, sure, steadiness, keys = [], [], [], [], [], [], []
    for case, heard in zip(made, readings, strict=True):
        if case.key is not None and heard.key is not None:
            keys.append(same_key(heard.key, case.key))
        if case.tempo is None or heard.tempo is None or verdict(heard.tempo, case.tempo) != "hit":
            continue
        steadiness.append(heard.steady == case.steady)
        if not case.steady:
            continue
        off.append(abs(heard.tempo / case.tempo - 1.0))
        ends.append(off[-1] * len(case.audio) / case.sample_rate * 1000)
        if case.downbeat_s is not None and heard.downbeat_s is not None:
            beat = 60.0 / case.tempo
            away = heard.downbeat_s - case.downbeat_s
            beats.append(abs((away + beat / 2) % beat - beat / 2) * 1000)
            bar = beat * case.beats_per_bar
            bars.append(abs((away + bar / 2) % bar - bar / 2) < 0.04)
            sure.append(heard.downbeat_sure)
    named = sum(case.key is not None for case in made)
    right = sum(found for found, certain in zip(bars, sure, strict=True) if certain)
    print("\nAsked, and hit:")
    print(
        f"  error of a steady tempo, %: {spread(100 * np.array(off), 4)}; over the whole length, ms: {spread(ends, 1)}"
    )
    print(f"  beats off, ms: {spread(beats, 1)}; steady or not told rightly: {sum(steadiness)} of {len(steadiness)}")
    print(f"  bar found: {sum(bars)} of {len(bars)}, of which sure: {sum(sure)}, right among these: {right}")
    print(f"  key named: {len(keys)} of {named}, right: {sum(keys)}")


def same_key(heard: str, true: str) -> bool:
    """Modes count by their third."""
    steps = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "#": 1, "b": -1}
    tonics, minors = [], []
    for key in (heard, true):
        tonic, mode = key.split()
        tonics.append(sum(steps[sign] for sign in tonic) % 12)
        minors.append(mode not in ("major", "lydian", "mixolydian"))
    return tonics[0] == tonics[1] and minors[0] == minors[1]


def spread(values: object, digits: int) -> str:
    middle, most, worst = np.percentile(np.asarray(values), [50, 95, 100])
    return f"median {middle:.{digits}f}, 95 % under {most:.{digits}f}, worst {worst:.{digits}f}"


def delivery(made: list[Case], readings: list[Analysis]) -> None:
    """Every steady piece of Sketch, and every worn one, handed over in a tempo up to 5 % away as a take would be."""
    before, after, peaks, passes = [], [], [], []
    for number, (case, heard) in enumerate(zip(made, readings, strict=True)):
        if case.family not in ("sketch", "worn") or not heard.steady or heard.tempo is None or case.tempo is None:
            continue
        wanted = round(case.tempo * (0.955, 0.98, 1.015, 1.045)[number % 4])
        seconds = len(case.audio) / case.sample_rate
        contract = Contract(seconds, wanted, case.beats_per_bar)
        listening = delivering.listen(case.audio, case.sample_rate, wanted, contract)
        done = delivering.hand_over(
            case.audio, {}, case.sample_rate, contract, listening, ignore_progress, CancelToken()
        )
        # What is true of the sound: its own tempo and the exact ratio; what is heard of it: another listening.
        before.append(abs(case.tempo / wanted - 1.0) * seconds * 1000)
        ratio = done.told["ratio"]
        assert isinstance(ratio, float)
        true = case.tempo / ratio
        again = analyse(done.mix, case.sample_rate, near=wanted, beats_per_bar=case.beats_per_bar).tempo or 0.0
        after.append((abs(true / wanted - 1.0), abs(again / wanted - 1.0), abs(true / wanted - 1.0) * seconds * 1000))
        peaks.append(true_peak_dbtp(done.mix))
        passes.append(done.told["passes"])
    by_score, by_ear, drift = np.array(after).T
    print(
        f"\nDelivered ({len(after)} pieces), drift at the end, ms: before {spread(before, 0)}; after {spread(drift, 1)}"
    )
    print(f"  tempo error, %: by the score {spread(100 * by_score, 4)}; heard again {spread(100 * by_ear, 4)}")
    print(f"  highest true peak: {max(peaks):.2f} dBTP; corrected after the second listening: {passes.count(2)}")


def loops(made: list[Case]) -> None:
    """Loops of 1, 2 and 4 bars out of the middle of Sketch: their seams, beside those of a plain cut."""
    scores: dict[int, list[tuple[float, float]]] = {}
    for case in made:
        if case.family != "sketch" or case.tempo is None:
            continue
        grid = Grid(case.tempo, case.beats_per_bar)
        for bars in (1, 2, 4):
            try:
                plan = plan_loop(case.audio, case.sample_rate, grid, 2, bars)
            except StudioError:
                continue  # a slow piece has not so many
            loop = cut_loop(case.audio, plan, case.sample_rate)
            plain = case.audio[plan.start : plan.start + plan.frames]
            pair = (score_seam(part, case.sample_rate, grid).score for part in (loop, plain))
            scores.setdefault(bars, []).append((next(pair), next(pair)))
    for bars, pairs in scores.items():
        looped, cut = np.array(pairs).T
        print(
            f"{len(pairs)} loops of {bars} bars, seam score: mean {looped.mean():.2f}, lowest {looped.min():.2f}; "
            f"cut plainly {cut.mean():.2f}, {cut.min():.2f}"
        )


if __name__ == "__main__":
    main()
