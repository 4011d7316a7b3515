"""What controls ask for, against what an engine can; and a reference's audio, found, checked and measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nur_studio.audio.files import audio_frames
from nur_studio.core.controls import Controls, Reference
from nur_studio.core.errors import FileProblem, InvalidRequest, StudioError
from nur_studio.core.request import GenerationRequest
from nur_studio.core.story import tempo_story
from nur_studio.core.track import Track, is_track_id
from nur_studio.engines.base import EngineInfo, ReferenceAudio
from nur_studio.engines.messages import CODES_NAME
from nur_studio.library.library import Library
from nur_studio.studio.parts import MIX_PART, master

MAX_REFERENCE_S = 300.0
MIN_REFERENCE_S = 1.0

_TUNEFUL = ("vocals", "other")
_WORDS = {
    "controls": "be steered by description, guidance or temperature",
    "sections": "follow a description per section",
    "continue": "continue other music",
    "melody": "follow a melody",
    "count-in": "be counted in by drums",
}


def check(request: GenerationRequest, engine: EngineInfo, others: Iterable[EngineInfo]) -> None:
    """Raise `StudioError` for the first thing asked that `engine` cannot do; the hint names one that can."""
    needed = frozenset(needs(request.controls))
    for need in needs(request.controls):
        if need in engine.can:
            continue
        able = [info.title for info in others if needed <= info.can and not info.why_not]
        hint = f"Choose {able[0]}, or leave that out." if able else "Leave that out."
        raise StudioError(f"{engine.title} cannot {_WORDS[need]}.", hint=hint)
    reference = request.controls.reference
    if reference is not None and reference.use == "continue" and request.controls.count_in:
        raise InvalidRequest("count_in", True, "off where other music is continued")
    if reference is not None and reference.use == "continue" and request.controls.loop:
        raise InvalidRequest("loop", True, "off where other music is continued")


def needs(controls: Controls) -> Iterator[str]:
    """What an engine must be able to do (`EngineInfo.can`) for these controls."""
    others = ("sections", "reference", "count_in", "loop", "bar_one", "far_off")
    if controls != replace(Controls(), **{name: getattr(controls, name) for name in others}):
        yield "controls"
    if controls.sections:
        yield "sections"
    if controls.reference is not None:
        yield controls.reference.use
    if controls.count_in:
        yield "count-in"


def settled(request: GenerationRequest) -> GenerationRequest:
    """The request with a reference's path in full, so that it can be made again from any folder."""
    reference = request.controls.reference
    if reference is None or is_track_id(reference.source):
        return request
    source = str(Path(reference.source).expanduser().absolute())
    return replace(request, controls=replace(request.controls, reference=replace(reference, source=source)))


def reference_audio(reference: Reference | None, library: Library) -> ReferenceAudio | None:
    """Where a reference's audio is, with both ends in seconds. Raises `StudioError` where it is not there (any more),
    no audio, or too short or long.
    """
    if reference is None:
        return None
    track = library.get(reference.source) if is_track_id(reference.source) else None
    path = Path(reference.source) if track is None else master(track, reference.part)
    frames, sample_rate = audio_frames(path)
    name = path.name if track is None else repr(track.title)
    length_s = frames / sample_rate
    end_s = length_s if reference.end_s is None else min(reference.end_s, length_s)
    if end_s - reference.start_s < MIN_REFERENCE_S:
        raise FileProblem(
            f"{name} has less than {MIN_REFERENCE_S:g} s in the part that was chosen.", hint="Choose a longer part."
        )
    if end_s - reference.start_s > MAX_REFERENCE_S:
        if reference.use == "continue":
            raise FileProblem(
                f"{name} is longer than {MAX_REFERENCE_S / 60:g} minutes.", hint="Choose the part to continue."
            )
        end_s = reference.start_s + MAX_REFERENCE_S  # no take is longer, so no more of the tune is needed
    paths = _tune(track) if track is not None and reference.use == "melody" and reference.part == MIX_PART else (path,)
    return ReferenceAudio(paths or (path,), reference.start_s, end_s, _codes(track, reference.part))


def _tune(track: Track) -> tuple[Path, ...]:
    """A track without drums and bass, which a melody model would take for the tune; () where it has no stems."""
    from nur_studio.audio.masters import stem_path

    paths = tuple(stem_path(track.folder, stem) for stem in _TUNEFUL)
    return paths if all(path.exists() for path in paths) else ()


def added_s(request: GenerationRequest, audio: ReferenceAudio | None) -> float:
    """How much longer than asked a take becomes because it begins with what it continues."""
    reference = request.controls.reference
    if audio is None or audio.end_s is None or reference is None or reference.use != "continue":
        return 0.0
    return audio.end_s - audio.start_s


def best(engines: Sequence[EngineInfo], last: str) -> str:
    """The first engine of this machine that can run, the one called `last` only where no other can."""
    usable = [info.name for info in engines if not info.why_not and not info.host]
    return next((name for name in usable if name != last), last)


def _codes(track: Track | None, part: str) -> Path | None:
    if track is None or part != MIX_PART:
        return None
    story = tempo_story(track)
    if story is not None and (story.stretched or story.moved_s):
        return None  # they are those of the original, in another time
    path = track.folder / CODES_NAME
    return path if path.is_file() else None
