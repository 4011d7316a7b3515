"""Audio from elsewhere, taken into the library as a finished track: decoded, brought to stereo, measured."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nur_studio.audio.decoding import Decoding, check_file, decoding
from nur_studio.audio.downmix import stereo_matrix, to_stereo, told
from nur_studio.audio.files import system_fault
from nur_studio.audio.scratch import Scratch
from nur_studio.core.errors import FileProblem
from nur_studio.core.licences import IMPORTED_LICENCE
from nur_studio.core.names import one_line, title_from_prompt
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.core.request import MAX_GENRE
from nur_studio.core.sound import Audio
from nur_studio.core.track import IMPORTED, Status, Track, new_track_id
from nur_studio.library.library import Library
from nur_studio.studio.keeping import arriving, measured
from nur_studio.studio.recipe import versions, write_recipe

if TYPE_CHECKING:
    from nur_studio.audio.masters import Masters

MAX_IMPORT_S = 30 * 60.0
MIN_IMPORT_S = 0.1
_MIN_DAMAGED_S = 1.0
_KEPT_RATES = (22_050, 192_000)
_MP3_RATES = (32_000, 44_100, 48_000)
_GENRE = "imported"
_FORMATS = {"FLAC": "flac", "OGG": "ogg", "MP3": "mp3"}  # what libsndfile calls them; all else of it is like wav
_UNPROVEN = ("FLAC", "MP3", "")  # what these claim to hold nobody compares with the file: reading on tells
_HASH_SHARE, _DECODE_SHARE = 0.1, 0.6
_HASH_BLOCK = 1 << 20
_LOUDEST = np.float32(1e30)  # more than any sound; sums of some stay numbers
_WORTH_TELLING_DB = 0.05


def import_audio(path: Path, library: Library, output_format: str, on_progress: OnProgress, cancel: Cancel) -> Track:
    """A new finished track with the sound of `path`; `output_format` is its own where the file's is none of ours."""
    size = check_file(path)
    digest = _sha256(path, size, ranged(on_progress, 0.0, _HASH_SHARE), cancel)
    with decoding(path, cancel) as source:
        rate, wanted = _delivered_rate(source.sample_rate), _format_of(source, output_format)
        wanted = "flac" if wanted == "mp3" and rate not in _MP3_RATES else wanted
        track = _pending(path, source.tags, library, wanted)
        with arriving(library, track) as staging:
            with Scratch(staging / "decoded.f32") as scratch:
                decoded = _decode(source, rate, scratch, path, ranged(on_progress, _HASH_SHARE, _DECODE_SHARE), cancel)
                notes = _notes(source, decoded, rate, path)
                notes += _already_there(library, digest)
                masters = _write(staging, scratch, rate, ranged(on_progress, _DECODE_SHARE, 1.0), cancel)
                scratch.remove()
            heard = masters.analysis
            grid = heard.grid
            if heard.tempo is not None and grid is None:
                notes.append(f"Its beat wanders, around {heard.tempo:.0f} BPM: no tempo is claimed.")
            full = {
                "imported": {
                    "name": path.name,
                    "bytes": size,
                    "sha256": digest,
                    "container": source.container or "through ffmpeg",
                    "sample_rate": source.sample_rate,
                    "channels": source.channels,
                    "tags": dict(source.tags),
                },
                "tempo_exact": grid.tempo if grid else None,
                "engine": IMPORTED,
                "licence": IMPORTED_LICENCE,
                "note": " ".join(notes),
                "versions": versions(),
            }
            write_recipe(staging, full)
            finished = library.complete(
                track.id,
                staging,
                tempo=round(grid.tempo) if grid else 0,
                beats_per_bar=heard.beats_per_bar,
                beat_offset_s=grid.offset_s if grid else 0.0,
                key=heard.key or "",
                recipe=full,
                **measured(masters),
            )
    on_progress(Progress("done", 1.0, 0.0))
    return finished


def _pending(path: Path, tags: Mapping[str, str], library: Library, output_format: str) -> Track:
    track_id = new_track_id()
    name = one_line(path.name)
    return Track(
        id=track_id,
        status=Status.PENDING,
        title=one_line(tags.get("title", ""))[:200] or one_line(path.stem)[:200] or title_from_prompt(""),
        prompt=name,
        genre=one_line(tags.get("genre", ""))[:MAX_GENRE] or _GENRE,
        tempo=0,
        duration_s=0.0,
        output_format=output_format,
        engine=IMPORTED,
        seed=0,
        created_at=datetime.now(UTC),
        folder=library.folder(track_id),
        group_id=track_id,
        licence=IMPORTED_LICENCE,
    )


def _delivered_rate(rate: int) -> int:
    """A file's own rate where one works at such; else 48 kHz for what divides evenly, 44.1 kHz for the rest."""
    low, high = _KEPT_RATES
    if low <= rate <= high:
        return rate
    return 48_000 if not (48_000 % rate and rate % 48_000) else 44_100


def _format_of(source: Decoding, otherwise: str) -> str:
    return _FORMATS.get(source.container, "wav") if source.container else otherwise


def _sha256(path: Path, size: int, on_progress: OnProgress, cancel: Cancel) -> str:
    digest, done = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(_HASH_BLOCK):
                cancel.check()
                digest.update(block)
                done += len(block)
                on_progress(Progress("reading", min(1.0, done / size)))
    except OSError as error:
        raise system_fault(error, "read", path) from error
    return digest.hexdigest()


# -- decoding ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Decoded:
    frames_read: int = 0  # at the file's own rate
    peak: float = 0.0
    no_numbers: int = 0


def _decode(
    source: Decoding, rate: int, scratch: Scratch, path: Path, on_progress: OnProgress, cancel: Cancel
) -> _Decoded:
    """The sound of a file as numbers, in stereo, at `rate`, into `scratch`, turned down where it is over full scale."""
    decoded = _Decoded()
    most = round(MAX_IMPORT_S * source.sample_rate)
    expected = source.frames if 0 < source.frames <= most else most
    if source.frames > most and source.container not in _UNPROVEN:
        raise _too_long(path)
    matrix = stereo_matrix(source.channels, vorbis_order=source.vorbis_order)
    for block in _resampled(_stereo(source, matrix, decoded), source.sample_rate, rate):
        cancel.check()
        scratch.append(block)
        decoded.peak = max(decoded.peak, float(np.abs(block).max(initial=0.0)))
        if decoded.frames_read > most:
            raise _too_long(path)
        on_progress(Progress("decoding", min(1.0, decoded.frames_read / expected)))
    if decoded.peak > 1.0:
        sound = scratch.sound()
        for start in range(0, len(sound), _HASH_BLOCK):
            cancel.check()
            sound[start : start + _HASH_BLOCK] *= np.float32(1.0 / decoded.peak)
    return decoded


def _stereo(source: Decoding, matrix: Audio, decoded: _Decoded) -> Iterator[Audio]:
    for raw in source.blocks():
        block = raw
        wrong = ~np.isfinite(raw)
        if wrong.any():
            decoded.no_numbers += int(wrong.sum())
            block = np.where(wrong, np.float32(0.0), raw)
        decoded.frames_read += len(block)
        yield to_stereo(np.clip(block, -_LOUDEST, _LOUDEST), matrix)


def _resampled(blocks: Iterator[Audio], rate: int, wanted: int) -> Iterator[Audio]:
    if rate == wanted:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(rate, wanted, 2, dtype="float32", quality="VHQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros((0, 2), np.float32), last=True)


def _write(staging: Path, scratch: Scratch, rate: int, on_progress: OnProgress, cancel: Cancel) -> Masters:
    # Not at the top: what masters are measured with would slow the window's start.
    from nur_studio.audio.masters import write_masters

    return write_masters(staging, scratch.sound(), {}, rate, None, on_progress, cancel)


# -- what is to be known -----------------------------------------------------------------------------------------


def _notes(source: Decoding, decoded: _Decoded, rate: int, path: Path) -> list[str]:
    """Sentences about what is not as in the file. Raises `FileProblem` where too little came."""
    read_s = decoded.frames_read / source.sample_rate
    if source.broken and read_s < _MIN_DAMAGED_S:
        raise FileProblem(
            f"“{path.name}” is damaged: only {read_s:.1f} s of it can be read.", hint="Get or make it again."
        )
    if read_s < MIN_IMPORT_S:
        raise FileProblem(f"“{path.name}” holds {read_s:.2g} s of sound; it takes {MIN_IMPORT_S:g} s to be a track.")
    notes = []
    if source.broken:
        notes.append(f"The file is damaged: what could be read of it, {read_s:.1f} s, was kept.")
    if decoded.peak == 0.0:
        notes.append("There is nothing but silence in it.")
    if said := told(source.channels):
        notes.append(said)
    if decoded.no_numbers:
        notes.append(f"{decoded.no_numbers:,} samples that were no numbers are silent now.")
    over_db = 20.0 * float(np.log10(max(decoded.peak, 1.0)))
    if over_db >= _WORTH_TELLING_DB:
        notes.append(f"It was {over_db:.1f} dB over full scale, and turned down by so much.")
    if rate != source.sample_rate:
        notes.append(f"It was brought from {source.sample_rate:,} Hz to {rate:,} Hz.")
    return notes


def _already_there(library: Library, digest: str) -> list[str]:
    """Whoever imports a file twice may mean to: it is told, not refused."""
    for track in library.list(engine=IMPORTED, limit=1_000_000):
        facts = track.recipe.get("imported")
        if isinstance(facts, Mapping) and facts.get("sha256") == digest and track.status is Status.COMPLETED:
            return [f"The same file is in the library already, as “{track.title}”."]
    return []


def _too_long(path: Path) -> FileProblem:
    return FileProblem(
        f"“{path.name}” is longer than {MAX_IMPORT_S / 60:g} minutes.", hint="Cut out the part that is needed."
    )
