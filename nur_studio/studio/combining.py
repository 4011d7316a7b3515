"""A stem of one track in another: pulled over, met on the downbeat, kept as a new track with the recipes of both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from nur_studio.audio.files import Encoding, read_audio, read_blocks, write_audio
from nur_studio.audio.scratch import Scratch
from nur_studio.core.contract import MOST_STRETCH
from nur_studio.core.errors import StudioError
from nur_studio.core.licences import joint_licence, sellable
from nur_studio.core.mix import SIX_LANES
from nur_studio.core.names import one_line
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.core.sound import Audio
from nur_studio.core.track import COMBINED, Status, Track, new_track_id
from nur_studio.library.library import Library
from nur_studio.studio.keeping import arriving, measured
from nur_studio.studio.matching import Fit, Wish, fit_of, target_lane
from nur_studio.studio.mixing import limiting_gain
from nur_studio.studio.parts import MIX_PART, master
from nur_studio.studio.placing import placed, repeated
from nur_studio.studio.recipe import versions, write_recipe

Stretch = Callable[[Path, Path, int, Cancel], None]
"""(audio file, WAV file to be written, its frames): the same music in so much time. Not in this process: while it works
nothing else can.
"""

_FULL_SCALE_DBTP = -0.02  # 24-bit rounding included
_MAX_TITLE = 200
_OTHER = SIX_LANES[3:]
_BLOCK = 1 << 18


def combine(
    track: Track,
    other: Track,
    wish: Wish,
    stretch: Stretch | None,
    library: Library,
    on_progress: OnProgress,
    cancel: Cancel,
) -> Track:
    """See `Studio.combine`. Levels stay as they are; a sum over −1 dBTP is limited, all lanes by one curve: they still
    are the mix.
    """
    source = master(other, wish.stem)
    master(track, MIX_PART)
    lane, gone = target_lane(track, wish)
    licence = joint_licence(track.licence, other.licence)
    if wish.sellable_only and not sellable(licence):
        raise StudioError(
            f"This combination may not be sold ({licence}), and the settings ask for music that may.",
            hint="Choose another track, or change that setting.",
        )
    fit = fit_of(track, other, wish, stretch is not None)
    new = _pending(track, other, wish, licence, library)
    with arriving(library, new) as staging:
        on_progress(Progress(_bringing(track, fit), 0.0))
        pulled = _pulled(track, other, source, wish, stretch, fit, staging, cancel)
        cancel.check()
        on_progress(Progress("mixing", 0.15))
        with contextlib.ExitStack() as stack:
            lanes: dict[str, Audio] = {}
            scratches: list[Scratch] = []
            total: Audio = np.zeros((track.frames, 2), np.float32)
            for index, name in enumerate(track.lanes or (MIX_PART,)):
                own = master(track, name) if name not in gone else None
                scratch = stack.enter_context(Scratch(staging / f"{name}.f32"))
                scratches.append(scratch)
                _write_lane(scratch, own, pulled if name == lane else None, total, cancel)
                lanes[name] = scratch.sound()
                on_progress(Progress("mixing", 0.15 + 0.3 * (index + 1) / max(1, len(track.lanes))))
            del pulled
            limited = _limit(total, lanes, track.sample_rate, cancel)
            stems = lanes if track.lanes else {}
            facts = _write(staging, total, stems, track, ranged(on_progress, 0.5, 1.0), cancel)
            del lanes, stems
            for scratch in scratches:
                scratch.remove()
        full = _recipe(track, other, wish, lane, licence, fit, limited)
        write_recipe(staging, full)
        finished = library.complete(new.id, staging, recipe=full, tempo=track.tempo, sections=track.sections, **facts)
    on_progress(Progress("done", 1.0, 0.0))
    return finished


# -- sound -------------------------------------------------------------------------------------------------------


def _pulled(
    track: Track,
    other: Track,
    source: Path,
    wish: Wish,
    stretch: Stretch | None,
    fit: Fit,
    staging: Path,
    cancel: Cancel,
) -> Audio:
    """The stem at this track's rate, in its tempo, in its place: (track.frames, 2)."""
    audio, rate = read_audio(source)
    cancel.check()
    if rate != track.sample_rate:
        import soxr

        audio = soxr.resample(audio, rate, track.sample_rate, quality="VHQ")
        cancel.check()
    if stretch is not None and fit.ratio != 1.0:
        audio = _stretched(audio, track.sample_rate, fit.ratio, stretch, staging, cancel)
    downbeat_s = other.beat_offset_s * fit.ratio
    if wish.repeat:
        bar_s = 60.0 / (fit.tempo or other.exact_tempo) * other.beats_per_bar
        audio = repeated(audio, track.sample_rate, downbeat_s, bar_s, track.duration_s)
    start_s = track.beat_offset_s - downbeat_s if fit.aligned else 0.0
    return placed(audio, track.sample_rate, start_s, track.frames)


def _stretched(audio: Audio, sample_rate: int, ratio: float, stretch: Stretch, staging: Path, cancel: Cancel) -> Audio:
    """`audio` in `ratio` times its time; what crosses to who does it lies in `staging` meanwhile."""
    before, after = staging / "before.wav", staging / "after.wav"
    write_audio(before, audio, sample_rate, Encoding("wav", "FLOAT"), lambda _: cancel.check())
    stretch(before, after, round(len(audio) * ratio), cancel)
    longer, _ = read_audio(after)
    before.unlink()
    after.unlink()
    return longer


def _bringing(track: Track, fit: Fit) -> str:
    return "reading" if fit.ratio == 1.0 else f"bringing it to {track.exact_tempo:.6g} BPM"


def _write_lane(scratch: Scratch, own: Path | None, pulled: Audio | None, total: Audio, cancel: Cancel) -> None:
    """One lane of the new track, what is its own and what was pulled over, added to `total` as well."""
    done = 0
    for block in _own_blocks(own, len(total)):
        cancel.check()
        block = block[: len(total) - done]
        if pulled is not None:
            block = block + pulled[done : done + len(block)]
        scratch.append(block)
        total[done : done + len(block)] += block
        done += len(block)


def _own_blocks(own: Path | None, frames: int) -> Iterator[Audio]:
    if own is not None:
        yield from read_blocks(own)
        return
    for start in range(0, frames, _BLOCK):
        yield np.zeros((min(_BLOCK, frames - start), 2), np.float32)


def _limit(total: Audio, lanes: dict[str, Audio], sample_rate: int, cancel: Cancel) -> bool:
    """Bring the mix to −1 dBTP and every lane, a file of its own, under full scale; whether that changed anything."""
    limited = False
    for sound, ceiling_dbtp in ((total, -1.0), *((lane, _FULL_SCALE_DBTP) for lane in lanes.values())):
        cancel.check()
        gain = limiting_gain(sound, sample_rate, ceiling_dbtp)
        if gain is None:
            continue
        limited = True
        for each in (total, *lanes.values()):
            for start in range(0, len(each), _BLOCK):
                cancel.check()
                each[start : start + _BLOCK] *= gain[start : start + _BLOCK, None]
    return limited


def _write(
    staging: Path, total: Audio, stems: dict[str, Audio], track: Track, on_progress: OnProgress, cancel: Cancel
) -> dict[str, Any]:
    # Not at the top: what masters are measured with would slow the window's start.
    from nur_studio.audio.masters import stem_path, write_masters

    asked = track.exact_tempo or None
    facts = measured(write_masters(staging, total, stems, track.sample_rate, asked, on_progress, cancel))
    if set(_OTHER) <= set(stems):  # the four of the reference are always there
        rest = np.add(stems[_OTHER[0]], stems[_OTHER[1]])
        rest += stems[_OTHER[2]]

        def on_block(_: int) -> None:
            cancel.check()

        write_audio(stem_path(staging, "other"), rest, track.sample_rate, Encoding("flac", "PCM_24"), on_block)
    return facts


# -- the new track -----------------------------------------------------------------------------------------------


def _pending(track: Track, other: Track, wish: Wish, licence: str, library: Library) -> Track:
    track_id = new_track_id()
    what = "" if wish.stem == MIX_PART else f"{wish.stem} of "
    return Track(
        id=track_id,
        status=Status.PENDING,
        title=one_line(wish.title or f"{track.title} + {what}{other.title}")[:_MAX_TITLE],
        prompt=track.prompt,
        genre=track.genre,
        tempo=track.tempo,
        duration_s=track.duration_s,
        output_format=track.output_format,
        engine=COMBINED,
        seed=0,
        created_at=datetime.now(UTC),
        folder=library.folder(track_id),
        group_id=track_id,
        licence=licence,
        key=track.key,
        beats_per_bar=track.beats_per_bar,
        beat_offset_s=track.beat_offset_s,
        sample_rate=track.sample_rate,
    )


def _recipe(track: Track, other: Track, wish: Wish, lane: str, licence: str, fit: Fit, limited: bool) -> dict[str, Any]:
    notes = []
    if wish.stem != "drums" and track.key and other.key and track.key != other.key:
        notes.append(f"The {wish.stem} of {other.title!r} are in {other.key}, the rest in {track.key}.")
    if limited:
        notes.append("The sum was limited to −1 dBTP.")
    if fit.ratio != 1.0:
        what = wish.stem if wish.stem != MIX_PART else "music"
        heard = ", which may be heard" if abs(fit.ratio - 1.0) > MOST_STRETCH else ""
        notes.append(
            f"The {what} of {other.title!r} were brought from {other.exact_tempo:.6g} to {fit.tempo:.6g} BPM{heard}."
        )
    if not fit.aligned:
        notes.append("They begin together: without a tempo of both there are no bars to meet on.")
    return {
        "combined": {
            "stem": wish.stem,
            "into": lane,
            "layer": wish.layer,
            "repeat": wish.repeat,
            "aligned": "downbeat" if fit.aligned else "start",
            "stretched": fit.ratio,
            "limited": limited,
            "track": _origin(track),
            "other": _origin(other),
        },
        "tempo_exact": track.exact_tempo or None,
        "engine": COMBINED,
        "licence": licence,
        "note": " ".join(notes),
        "versions": versions(),
    }


def _origin(track: Track) -> dict[str, Any]:
    return {
        "id": track.id,
        "title": track.title,
        "engine": track.engine,
        "model": track.model,
        "licence": track.licence,
        "seed": track.seed,
        "recipe": dict(track.recipe),
    }
