"""A track's folder: where its masters lie, and how they are written, drawn and measured once and for all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nur_studio.audio.analysis import Analysis, analyse
from nur_studio.audio.files import Encoding, read_audio, write_audio
from nur_studio.audio.loudness import integrated_lufs, true_peak_dbtp
from nur_studio.audio.peaks import PeakPyramid, load_peaks, save_peaks, write_waveform_json
from nur_studio.core.errors import Cancelled, FileProblem
from nur_studio.core.mix import LANES
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, Progress, ignore_progress
from nur_studio.core.sound import Audio

MIX = "mix.flac"
ORIGINAL = "original"
_LANE_OF_MIX = "mix"
_ENCODING = Encoding("flac", "PCM_24")
_POLL_S = 0.03


@dataclass(frozen=True, slots=True)
class Masters:
    """What lies in a track's folder, and what was measured in the mix.

    `loudness_lufs` and `true_peak_dbtp` are −inf for silence; `analysis` says where no beat or key was heard.
    """

    sample_rate: int
    frames: int
    stems: tuple[str, ...]
    loudness_lufs: float
    true_peak_dbtp: float
    analysis: Analysis

    @property
    def tempo_measured(self) -> float | None:
        """In BPM; None where no beat was heard."""
        return self.analysis.tempo


def mix_path(folder: Path) -> Path:
    return folder / MIX


def stem_path(folder: Path, stem: str) -> Path:
    return folder / "stems" / f"{stem}.flac"


def original_path(folder: Path) -> Path:
    """Where a take lies as its engine made it, a mix and perhaps stems, if it was handed over otherwise."""
    return folder / ORIGINAL


def score_path(folder: Path) -> Path:
    """The notes of a take whose engine wrote them down; other takes have none."""
    return folder / "score.mid"


def waveform_path(folder: Path) -> Path:
    return folder / "waveform.json"


def peaks_path(folder: Path) -> Path:
    return folder / "peaks.npz"


def lane_peaks(folder: Path) -> dict[str, PeakPyramid]:
    """The peaks of all lanes; drawn anew from the masters where the picture is missing or damaged.

    Raises `FileProblem` where there are no masters either.
    """
    try:
        return load_peaks(peaks_path(folder))
    except FileProblem:
        lanes = {_LANE_OF_MIX: mix_path(folder)}
        lanes |= {stem: path for stem in LANES if (path := stem_path(folder, stem)).exists()}
        peaks = {lane: PeakPyramid.from_audio(read_audio(path)[0]) for lane, path in lanes.items()}
        with suppress(FileProblem):  # a library that cannot be written can still be read
            save_peaks(peaks_path(folder), peaks)
        return peaks


def write_original(folder: Path, mix: Audio, stems: Mapping[str, Audio], sample_rate: int, cancel: Cancel) -> None:
    """Keep mix and stems below `folder` as they were before the take was brought to what was asked for."""
    original = original_path(folder)
    stem_path(original, "").parent.mkdir(parents=True)
    for path, audio in ((mix_path(original), mix), *((stem_path(original, name), stems[name]) for name in stems)):
        cancel.check()
        write_audio(path, audio, sample_rate, _ENCODING, lambda _: cancel.check())


def read_original(folder: Path) -> tuple[Audio, dict[str, Audio], int]:
    """What `write_original` kept: mix, stems, sample rate. Raises `FileProblem` where it is gone."""
    original = original_path(folder)
    mix, sample_rate = read_audio(mix_path(original))
    paths = {stem: stem_path(original, stem) for stem in LANES}
    return mix, {stem: read_audio(path)[0] for stem, path in paths.items() if path.exists()}, sample_rate


def write_masters(
    folder: Path,
    mix: Audio,
    stems: Mapping[str, Audio],
    sample_rate: int,
    tempo_asked: float | None = None,
    on_progress: OnProgress = ignore_progress,
    cancel: Cancel | None = None,
    beats_per_bar: int = 4,
) -> Masters:
    """Write the mix and its stems (FLAC, 24 bit), peaks and waveform into `folder`, and measure the mix.

    Its tempo is looked for near `tempo_asked`, its bars have `beats_per_bar`.

    All of it runs side by side on the machine's cores; progress comes from the calling thread. Raises `FileProblem`
    and `Cancelled`: what lies in the folder then is for the caller to throw away.
    """
    cancel = cancel or CancelToken()
    cancel.check()
    try:
        if stems:
            stem_path(folder, "").parent.mkdir(exist_ok=True)
    except OSError as error:
        raise FileProblem(f"The folder {folder} cannot be written: {error.strerror or error}.") from error

    lanes = {_LANE_OF_MIX: mix, **stems}
    work = _Work(total=len(mix) * (2 + len(lanes)), cancel=cancel)
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1), thread_name_prefix="masters")
    try:
        measures = pool.submit(_measure, mix, sample_rate, tempo_asked, beats_per_bar, work)
        encodings = [
            pool.submit(
                write_audio,
                mix_path(folder) if lane == _LANE_OF_MIX else stem_path(folder, lane),
                audio,
                sample_rate,
                _ENCODING,
                work.counter(),
            )
            for lane, audio in lanes.items()
        ]
        drawing = pool.submit(_draw, folder, lanes, sample_rate)
        unfinished: set[Future[Any]] = {measures, drawing, *encodings}
        while unfinished:
            done, unfinished = wait(unfinished, timeout=_POLL_S)
            cancel.check()
            for future in done:
                future.result()
            on_progress(Progress("writing", work.fraction))
        cancel.check()  # who cancels at the last word of progress means it as well
        loudness, peak, analysis = measures.result()
    except BaseException:
        work.stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return Masters(
        sample_rate=sample_rate,
        frames=len(mix),
        stems=tuple(stems),
        loudness_lufs=loudness,
        true_peak_dbtp=peak,
        analysis=analysis,
    )


class _Work:
    """How much is done, counted in frames by several threads, and the word that ends them all."""

    def __init__(self, total: int, cancel: Cancel) -> None:
        self._total = max(1, total)
        self._done = 0
        self._lock = threading.Lock()
        self._cancel = cancel
        self.stop = threading.Event()

    @property
    def fraction(self) -> float:
        return min(1.0, self._done / self._total)

    def check(self) -> None:
        self._cancel.check()
        if self.stop.is_set():
            raise Cancelled

    def add(self, frames: int) -> None:
        with self._lock:
            self._done += frames
        self.check()

    def counter(self) -> Callable[[int], None]:
        """For one file: takes the frames written so far."""
        before = 0

        def count(frames: int) -> None:
            nonlocal before
            self.add(frames - before)
            before = frames

        return count


def _measure(
    mix: Audio, sample_rate: int, tempo_asked: float | None, beats_per_bar: int, work: _Work
) -> tuple[float, float, Analysis]:
    loudness = integrated_lufs(mix, sample_rate)
    work.add(len(mix))
    peak = true_peak_dbtp(mix)
    work.add(len(mix))
    return loudness, peak, analyse(mix, sample_rate, near=tempo_asked, beats_per_bar=beats_per_bar)


def _draw(folder: Path, lanes: Mapping[str, Audio], sample_rate: int) -> None:
    save_peaks(peaks_path(folder), {lane: PeakPyramid.from_audio(audio) for lane, audio in lanes.items()})
    write_waveform_json(waveform_path(folder), lanes[_LANE_OF_MIX], sample_rate)
