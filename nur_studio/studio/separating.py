"""Stems for finished tracks: which separator, whether at all, and what the recipe says of it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nur_studio.core.errors import EngineUnavailable, FileProblem, StudioError, TrackUnfinished, UnknownEngine
from nur_studio.core.progress import Cancel, OnProgress, ranged
from nur_studio.core.track import Status, Track
from nur_studio.engines import catalogue
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.process import EngineProcess
from nur_studio.library.library import Library
from nur_studio.studio import recipe

log = logging.getLogger(__name__)

_BEST_FIRST = ("htdemucs_ft", "htdemucs", "htdemucs_6s")


def default(wanted: str, known: Sequence[EngineInfo]) -> str:
    """The name of the separator to use where none is named: the one `wanted` if it can run, else the best, or ""."""
    usable = [info.name for info in known if not info.why_not]
    if wanted in usable:
        return wanted
    return min(usable, key=lambda name: _BEST_FIRST.index(name) if name in _BEST_FIRST else -1, default="")


def usable(name: str, known: Sequence[EngineInfo]) -> EngineInfo:
    """The separator called `name`, or with "" the first there is; raises a sentence where it cannot run here."""
    if not name:
        why_not = next((info.why_not for info in known if info.why_not), "No separator is known here.")
        raise EngineUnavailable(why_not)
    try:
        info = catalogue.engine(name, known)
    except UnknownEngine as error:
        names = ", ".join(info.name for info in known) or "none"
        raise UnknownEngine(f"There is no separator {name!r}; known here: {names}.") from error
    if info.why_not:
        raise EngineUnavailable(info.why_not)
    return info


def separation_of(track: Track) -> Mapping[str, Any] | None:
    """What the recipe says of the separation its stems come from; None where it has none, or they are its engine's."""
    told = track.recipe.get(recipe.SEPARATION)
    return told if track.lanes and isinstance(told, Mapping) else None


def check(track: Track, *, force: bool = False) -> None:
    """Raise `StudioError` for a track that is not to be separated; `force` gives its engine's own stems up."""
    if track.status is not Status.COMPLETED:
        raise TrackUnfinished(f"{track.title!r} is not finished: only finished tracks can be separated.")
    if track.lanes and separation_of(track) is None and not force:
        raise StudioError(
            f"The stems of {track.title!r} are its own, as it was made: separating could only make them worse.",
            hint="`nur-studio separate --force` replaces them all the same.",
        )
    if not _mix_of(track).exists():
        raise FileProblem(f"The audio of {track.title!r} is no longer in the library.")


def separate(
    track: Track,
    separator: EngineInfo,
    library: Library,
    process: EngineProcess,
    on_progress: OnProgress,
    cancel: Cancel,
) -> Track:
    """Give a finished track the stems `separator` makes of its mix. Whatever goes wrong, it stays as it was."""
    cancel.check()
    with library.workspace(track.id) as folder:
        made = process.separate(separator, _mix_of(track), folder, on_progress, cancel)
        told = {
            "id": secrets.token_hex(4),  # so that files made of other stems are not taken for these
            "separator": separator.name,
            "title": separator.title,
            "licence": separator.licence,
            "stems": list(made.lanes),
            "details": dict(made.details),
            "versions": recipe.versions(),
            "seconds": dict(made.seconds),
        }
        # Read again: a title or a mix may have been changed while it was at work.
        now = library.get(track.id)
        after = library.replace_stems(track.id, folder, made.lanes, {**now.recipe, recipe.SEPARATION: told})
    try:
        recipe.write_recipe(after.folder, after.recipe)
    except OSError:  # the library has it; the copy beside the masters is for people
        log.exception("the recipe of %s could not be written", track.id)
    return after


def all_of(
    tracks: Sequence[Track], separate_one: Callable[[Track, OnProgress], Track], on_progress: OnProgress
) -> list[Track]:
    """The tracks, those without stems separated; where that does not work out, with a note that says so."""
    done: list[Track] = []
    for index, track in enumerate(tracks):
        share = ranged(on_progress, index / len(tracks), (index + 1) / len(tracks))
        try:
            done.append(track if track.lanes else separate_one(track, share))
        except StudioError as error:
            done.append(_left_as_it_is(track, error))
    return done


def _mix_of(track: Track) -> Path:
    # Not at the top: what masters are measured with would slow the window's start.
    from nur_studio.audio.masters import mix_path

    return mix_path(track.folder)


def _left_as_it_is(track: Track, error: StudioError) -> Track:
    """The track for who asked for it, with the sentence why it has no stems; nothing of it is kept."""
    note = " ".join(filter(None, (str(track.recipe.get("note") or ""), f"It has no stems: {error}")))
    return replace(track, recipe={**track.recipe, "note": note})
