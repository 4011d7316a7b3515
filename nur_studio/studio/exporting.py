"""Finished takes as files for people: any part or mix, in any format, from the lossless masters."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

import nur_studio
from nur_studio.audio.files import Encoding, audio_frames, read_audio, transcode, write_audio
from nur_studio.core.errors import FileProblem, InvalidRequest, StudioError
from nur_studio.core.mix import STEMS, Mix
from nur_studio.core.names import file_name
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.core.sound import Audio
from nur_studio.core.track import Status, Track

MIX_PART = "mix"
PARTS = (MIX_PART, *STEMS)


def master(track: Track, part: str) -> Path:
    """The lossless file of a part. Raises a sentence where the take has none (yet)."""
    if part not in PARTS:
        raise InvalidRequest("part", part, f"one of {', '.join(PARTS)}")
    if track.status is Status.FAILED:
        raise StudioError(f"{track.title!r} was never finished.", hint=track.error)
    if track.status is not Status.COMPLETED:
        raise StudioError(f"{track.title!r} is not finished yet.")
    # Not at the top: what masters are measured with would slow the window's start.
    from nur_studio.audio.masters import mix_path, stem_path

    path = mix_path(track.folder) if part == MIX_PART else stem_path(track.folder, part)
    if not path.exists():
        if part != MIX_PART and mix_path(track.folder).exists():
            raise FileProblem(f"{track.title!r} has no stems: its engine makes only the mix.")
        raise FileProblem(
            f"The audio of {track.title!r} is no longer in the library.",
            hint="Generate it again from its recipe: the same seed makes the same music.",
        )
    return path


def person_name(track: Track, part: str, encoding: Encoding) -> str:
    """`Rainy night tape_85bpm_Am_drums.wav`."""
    return file_name(track.title, track.tempo, track.key, part, encoding.format)


def tags_of(track: Track) -> dict[str, str]:
    """What a file for people says of itself: above all under which licence it was made."""
    made_with = track.model if track.engine.casefold() in track.model.casefold() else f"{track.engine} {track.model}"
    return {
        "title": track.title,
        "comment": f"Made with {made_with.strip()}. Licence: {track.licence}",
        "copyright": track.licence,
        "license": track.licence,
        "software": f"NUR Studio {nur_studio.__version__}",
    }


def export(
    track: Track,
    target: Path,
    part: str,
    encoding: Encoding,
    mix: Mix | None,
    on_progress: OnProgress,
    cancel: Cancel,
) -> Path:
    """Write one file. A folder as `target` gets a new name, never an old file's; a file is replaced in one step."""
    source = master(track, part)
    if _is_folder(target):
        (target,) = free_paths(target, [person_name(track, part, encoding)])
    if mix is None or mix == Mix():
        transcode(source, target, encoding, on_progress=on_progress, cancel=cancel, tags=tags_of(track))
    elif part == MIX_PART:
        _write_mix(track, target, encoding, mix, on_progress, cancel)
    else:
        raise InvalidRequest("part", part, "mix where a mix of the stems is asked for")
    return target


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long, a closed door: the writing says so in a sentence
        return False


def export_stems(track: Track, folder: Path, encoding: Encoding, on_progress: OnProgress, cancel: Cancel) -> list[Path]:
    """The four stems in `folder`, made where missing. All are there at the end, or none of them."""
    sources = [master(track, stem) for stem in STEMS]
    make_folder(folder)
    targets = free_paths(folder, [person_name(track, stem, encoding) for stem in STEMS])
    try:
        for index, (source, target) in enumerate(zip(sources, targets, strict=True)):
            cancel.check()
            share = ranged(on_progress, index / len(STEMS), (index + 1) / len(STEMS))
            transcode(source, target, encoding, on_progress=share, cancel=cancel, tags=tags_of(track))
    except BaseException:
        for target in targets:
            with contextlib.suppress(OSError):
                target.unlink()
        raise
    return targets


def make_folder(folder: Path) -> None:
    """`folder`, with those above it, where it is not there yet. Raises `FileProblem`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileProblem(f"The folder {folder} cannot be made: {error.strerror or error}.") from error


def free_paths(folder: Path, names: Sequence[str]) -> list[Path]:
    """`folder` with each of `names`, all with the same ` (2)`, ` (3)` … before the ending where one is taken."""
    number = 1
    while True:
        paths = [folder / (name if number == 1 else _numbered(name, number)) for name in names]
        if not any(path.exists() for path in paths):
            return paths
        number += 1


def _numbered(name: str, number: int) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem} ({number}){dot}{ending}"


def _write_mix(
    track: Track, target: Path, encoding: Encoding, mix: Mix, on_progress: OnProgress, cancel: Cancel
) -> None:
    """The stems as heard with `mix`, limited to −1 dBTP where its gains would clip the file."""
    audio, sample_rate = _mixed(track, [stem for stem in STEMS if mix.audible(stem)], mix, on_progress, cancel)
    cancel.check()
    on_progress(Progress("writing", 0.8))
    if encoding.subtype != "FLOAT":
        audio = _below_full_scale(audio, sample_rate)
    cancel.check()
    write_audio(target, audio, sample_rate, encoding, tags=tags_of(track))
    on_progress(Progress("writing", 1.0))


def _mixed(track: Track, stems: Iterable[str], mix: Mix, on_progress: OnProgress, cancel: Cancel) -> tuple[Audio, int]:
    from nur_studio.audio.mixdown import mixdown

    master(track, STEMS[0])  # no stems, no custom mix
    frames, sample_rate = audio_frames(master(track, MIX_PART))
    total: Audio = np.zeros((frames, 2), np.float32)
    # One stem at a time: five minutes of all four at once would be half a gigabyte.
    for index, stem in enumerate(stems):
        cancel.check()
        on_progress(Progress("mixing", 0.8 * index / len(STEMS)))
        audio, _ = read_audio(master(track, stem))
        total += mixdown({stem: audio}, mix)
    return total, sample_rate


def _below_full_scale(audio: Audio, sample_rate: int) -> Audio:
    if abs(audio).max(initial=0.0) < 0.5:  # no true peak is 6 dB above its samples
        return audio
    from nur_studio.audio.loudness import limiter_gain, true_peak_dbtp

    if true_peak_dbtp(audio) <= -1.0:
        return audio
    limited: Audio = audio * limiter_gain(audio, sample_rate)[:, None]
    return limited
