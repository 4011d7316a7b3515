"""Finished takes as files for people: any part or mix, in any format, from the lossless masters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

import nur_studio
from nur_studio.audio.files import Encoding, read_audio, transcode
from nur_studio.audio.whole import system_fault, workspace_beside
from nur_studio.core.errors import FileProblem, InvalidRequest, StudioError
from nur_studio.core.mix import STEMS, Mix
from nur_studio.core.names import file_name
from nur_studio.core.progress import Cancel, OnProgress, ranged
from nur_studio.core.sound import Audio
from nur_studio.core.story import tempo_story
from nur_studio.core.timing import Marker
from nur_studio.core.track import COMBINED, IMPORTED, Status, Track
from nur_studio.studio.mixing import heard, is_plain, sound_as_heard, write_mix
from nur_studio.studio.parts import MIX_PART, lanes_of, master, no_part, parts_of
from nur_studio.studio.separating import separation_of

if TYPE_CHECKING:
    from nur_studio.audio.tags import FileTags


STEMS_PART = "stems"
"""Every lane at once, where several parts can be named."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One file to make of a take: `part` as it lies in the library, or its lanes as `mix` sets them. `label` is what
    the file's name says of it.
    """

    label: str
    part: str = MIX_PART
    mix: Mix | None = None


# -- what there is to write --------------------------------------------------------------------------------------


def part(name: str) -> Piece:
    """A part as it is."""
    return Piece(name, name)


def as_heard(track: Track, mix: Mix) -> Piece:
    """The lanes as `mix` sets them; where it changes nothing, the master itself. Raises `FileProblem` where `mix` sets
    stems the take does not have.
    """
    mix = heard(track, mix)
    return part(MIX_PART) if is_plain(track, mix) else Piece("as heard", mix=mix)


def mix_of(track: Track, mix: Mix | None) -> Piece:
    """The mix: as it was made, or as `mix` sets it."""
    return part(MIX_PART) if mix is None or mix == Mix() else as_heard(track, mix)


def minus(track: Track, stems: Sequence[str], mix: Mix | None = None) -> Piece:
    """Everything but these stems: `mix` with them muted. Raises `FileProblem` where the take has no such stem."""
    lanes = {lane for stem in stems for lane in lanes_of(track, stem)}
    if not lanes:
        raise InvalidRequest("minus", ", ".join(stems), f"one or more of {', '.join(parts_of(track)[1:])}")
    if lanes >= set(track.lanes):
        raise StudioError(f"Without {', '.join(stems)} nothing is left of {track.title!r}.")
    return Piece(f"minus {', '.join(dict.fromkeys(stems))}", mix=(mix or Mix()).without(*sorted(lanes)))


def stems_of(track: Track) -> list[Piece]:
    """Each lane as a part of its own: together they are the mix. Raises `FileProblem` where there are none."""
    if track.status is Status.COMPLETED and not track.lanes:
        raise no_part(track, STEMS[0])
    return [part(lane) for lane in track.lanes or STEMS]


def pieces_of(track: Track, names: Sequence[str], mix: Piece) -> list[Piece]:
    """The pieces these names stand for, each once: "stems" for every lane, "mix" for the one given, else a part."""
    if not names:
        raise InvalidRequest("parts", names, "one or more parts of the take")
    found: list[Piece] = []
    for name in names:
        found += stems_of(track) if name == STEMS_PART else [mix if name == MIX_PART else part(name)]
    return unlike(found)


def unlike(pieces: Iterable[Piece]) -> list[Piece]:
    """Each piece once, in order: two of one label would be one file."""
    return list({piece.label: piece for piece in pieces}.values())


def person_name(track: Track, label: str, encoding: Encoding) -> str:
    """`Rainy night tape_85bpm_Am_drums.wav`."""
    return file_name(track.title, track.tempo, track.key, label, encoding.format)


def tags_of(track: Track, label: str = MIX_PART) -> FileTags:
    """What a file for people says of itself: above all under which licence it was made. `label` names what it holds.

    A take that was made to loop is tagged as one loop from its first frame to its last; one without a tempo claims
    neither beats nor sections.
    """
    from nur_studio.audio.tags import FileTags

    told = separation_of(track)
    made_with = track.model if track.engine.casefold() in track.model.casefold() else f"{track.engine} {track.model}"
    return FileTags(
        title=track.title if label == MIX_PART else f"{track.title} ({label})",
        bpm=track.exact_tempo if track.has_tempo else None,
        key=track.key,
        genre=track.genre,
        prompt=track.prompt if track.generated else "",
        origin={IMPORTED: "Imported audio", COMBINED: "A combination of takes"}.get(track.engine, ""),
        engine=made_with.strip() if track.generated else "",
        licence=track.licence,
        seed=track.seed if track.generated else None,
        software=f"NUR Studio {nur_studio.__version__}",
        made_at=track.created_at.astimezone(UTC),
        beats_per_bar=track.beats_per_bar,
        markers=_markers(track) if track.has_tempo else (),
        loop=(0, track.frames) if _made_to_loop(track) else None,
        note=f"Stems: {told.get('title')}, licence {told.get('licence')}" if told is not None else "",
    )


def _markers(track: Track) -> tuple[Marker, ...]:
    beats = [section.start_bar * track.beats_per_bar for section in track.sections]
    frames = [track.grid.frame_of(beat, track.sample_rate) for beat in beats]
    return tuple(Marker(section.name, frame) for section, frame in zip(track.sections, frames, strict=True))


def _made_to_loop(track: Track) -> bool:
    details, story = track.recipe.get("details"), tempo_story(track)
    told = isinstance(details, Mapping) and bool(details.get("loop"))
    return track.frames > 0 and (told or (story is not None and story.loop_bars > 0))


def need_tempo(track: Track, what: str) -> None:
    """Raise a sentence for a take without a steady tempo: `what`, a plural, are laid out in beats."""
    if not track.has_tempo:
        raise StudioError(f"{track.title!r} has no steady tempo, and {what} are laid out in beats and bars.")


# -- writing -----------------------------------------------------------------------------------------------------


def export(
    track: Track, target: Path, piece: Piece, encoding: Encoding, on_progress: OnProgress, cancel: Cancel
) -> Path:
    """Write one file. A folder as `target` gets a new name, never an old file's; a file is replaced in one step."""
    master(track, piece.part)  # its faults come before those of the place
    if is_folder(target):
        (target,) = free_paths(target, [person_name(track, piece.label, encoding)])
    write_piece(track, piece, target, encoding, on_progress, cancel)
    return target


def sound_of(
    track: Track, piece: Piece, encoding: Encoding, on_progress: OnProgress, cancel: Cancel
) -> tuple[Audio, int]:
    """The whole sound that `write_piece` writes, and its sample rate."""
    if piece.mix is not None:
        return sound_as_heard(track, piece.mix, encoding, on_progress, cancel)
    return read_audio(master(track, piece.part))


def write_piece(
    track: Track, piece: Piece, target: Path, encoding: Encoding, on_progress: OnProgress, cancel: Cancel
) -> None:
    """Write one file, replaced in one step."""
    if piece.mix is not None:
        write_mix(track, target, encoding, piece.mix, tags_of(track, piece.label), on_progress, cancel)
    else:
        source = master(track, piece.part)
        tags = tags_of(track, piece.label)
        transcode(source, target, encoding, on_progress=on_progress, cancel=cancel, tags=tags)


def export_all(
    track: Track,
    pieces: Sequence[Piece],
    folder: Path,
    encoding: Encoding,
    on_progress: OnProgress,
    cancel: Cancel,
) -> list[Path]:
    """All of these in `folder`, made where missing, under names for people. All are there at the end, or none."""
    for piece in pieces:
        master(track, piece.part)
    make_folder(folder)
    targets = free_paths(folder, [person_name(track, piece.label, encoding) for piece in pieces])

    def write(index: int, path: Path, share: OnProgress) -> None:
        write_piece(track, pieces[index], path, encoding, share, cancel)

    write_together(targets, write, on_progress, cancel)
    return targets


def write_together(
    targets: Sequence[Path],
    write: Callable[[int, Path, OnProgress], None],
    on_progress: OnProgress,
    cancel: Cancel,
) -> None:
    """Files of one folder, `write(index, path, on_progress)` making each: they get their names when all are whole."""
    if not targets:
        return
    with workspace_beside(targets[0]) as workspace:
        made = [workspace / target.name for target in targets]
        for index, path in enumerate(made):
            cancel.check()
            write(index, path, ranged(on_progress, index / len(made), (index + 1) / len(made)))
        cancel.check()
        for path, target in zip(made, targets, strict=True):
            try:
                path.replace(target)
            except OSError as error:
                raise system_fault(error, "written", target) from error


def is_folder(path: Path) -> bool:
    """Whether there is a folder of this name."""
    try:
        return path.is_dir()
    except OSError:  # a name too long, a closed door: the writing says so in a sentence
        return False


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
        paths = [folder / numbered(name, number) for name in names]
        if not any(path.exists() for path in paths):
            return paths
        number += 1


def numbered(name: str, number: int) -> str:
    """`name` with ` (2)`, ` (3)` … before its ending; as it is for 1."""
    if number == 1:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{stem} ({number}){dot}{ending}"
