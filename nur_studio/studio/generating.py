"""From a request to finished takes: choose what was left open, make each take, keep it, fail it or leave nothing."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from nur_studio.core.errors import Cancelled, StudioError
from nur_studio.core.length import bars_of, length_s
from nur_studio.core.names import title_from_prompt
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.core.prompt import read_prompt
from nur_studio.core.request import MAX_SEED, GenerationRequest
from nur_studio.core.track import Status, Track, new_track_id
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.messages import Made
from nur_studio.engines.process import Chunk, EngineProcess, Wanted
from nur_studio.library.library import Library
from nur_studio.studio import recipe, steering
from nur_studio.studio.keeping import file_problem, measured

log = logging.getLogger(__name__)

_Value = TypeVar("_Value")

OnTakeChunk = Callable[[str, Chunk], None]
"""Told that more of the take with this id can be heard."""

OnTakeEnded = Callable[[str, Track | StudioError | Cancelled], None]
"""Told how the take with this id ended: finished, failed, or `Cancelled` where it was enough too soon to keep some."""


def new_takes(
    request: GenerationRequest, engine: EngineInfo, library: Library, group: str, delivery: recipe.Delivery
) -> list[Track]:
    """The pending tracks of a request, already in the library. `group` is "" or that of takes already there.

    `request` is valid, and `engine` can do what it asks. Takes get the request's seed, the next one, and so on. Raises
    `StudioError` where a reference cannot be used, and `InvalidRequest` for bars too few or too many at a take's tempo.
    """
    request = steering.settled(request)
    reference = steering.reference_audio(request.controls.reference, library)
    added_s = steering.added_s(request, reference)
    reading = read_prompt(request.prompt, request.genre, request.tempo)
    genre = recipe.shown_genre(request, reading)
    seed = secrets.randbelow(MAX_SEED + 1) if request.seed is None else request.seed
    now = datetime.now(UTC)
    siblings = library.list(group=group) if group else []
    first_take = max((track.take for track in siblings), default=0) + 1
    ids = [new_track_id() for _ in range(request.takes)]
    tracks = []
    for index, track_id in enumerate(ids):
        own_seed = (seed + index) % (MAX_SEED + 1)
        tempo = recipe.chosen_tempo(reading, own_seed, request.controls.description)
        take = first_take + index
        duration_s = length_s(request, tempo, reading.beats_per_bar) + added_s
        bars = bars_of(request, tempo, reading.beats_per_bar)
        tracks.append(
            Track(
                id=track_id,
                status=Status.PENDING,
                title=siblings[0].title if siblings else title_from_prompt(request.prompt),
                prompt=request.prompt,
                genre=genre,
                tempo=tempo,
                duration_s=duration_s,
                output_format=request.output_format,
                engine=engine.name,
                seed=own_seed,
                created_at=now,
                folder=library.folder(track_id),
                group_id=group or ids[0],
                take=take,
                licence=engine.licence,
                key=reading.key,
                beats_per_bar=reading.beats_per_bar,
                tempo_asked=recipe.asked_tempo(reading),
                recipe=recipe.first_recipe(request, reading, engine, genre, tempo, own_seed, take, bars, delivery),
            )
        )
    library.add(*tracks)
    return tracks


def make_takes(
    tracks: Sequence[Track],
    engine: EngineInfo,
    library: Library,
    process: EngineProcess,
    on_progress: OnProgress,
    on_chunk: OnTakeChunk,
    on_ended: OnTakeEnded,
    cancel: Cancel,
) -> None:
    """Make pending takes, as one batch where the engine can; each one's end is told when it comes, by the track's id.

    A take that is finished is in the library then; one gone wrong stays as failed with the sentence, and leaves the
    others alone. Raises `Cancelled` once cancel is asked for: takes not finished by then leave nothing.
    """
    left = {track.id: track for track in tracks}

    def end(track: Track, outcome: Track | StudioError | Cancelled) -> None:
        del left[track.id]
        if isinstance(outcome, Cancelled):
            library.discard(track.id)
        elif isinstance(outcome, StudioError):
            _fail(library, track, str(outcome))
        on_ended(track.id, outcome)

    def attempt(track: Track, work: Callable[[], _Value]) -> _Value | None:
        """What comes of it, or None where that was the take's end."""
        try:
            return work()
        except StudioError as error:
            end(track, error)
        except OSError as error:
            end(track, file_problem(error, library.directory))
        return None

    try:
        cancel.check()
        wanted = {track.id: attempt(track, partial(_begin, track, engine.exact, library)) for track in tracks}
        begun = [track for track in tracks if track.id in left]
        takes = [take for take in wanted.values() if take is not None]

        def heed(number: int, outcome: Made | StudioError | Cancelled) -> None:
            track = begun[number]
            if not isinstance(outcome, Made):
                end(track, outcome)
                return
            finished = attempt(track, partial(_keep, track, outcome, takes[number].folder, library))
            if finished is not None:
                end(track, finished)

        if takes:
            process.make_together(
                engine, takes, on_progress, lambda number, chunk: on_chunk(begun[number].id, chunk), heed, cancel
            )
    except (Cancelled, KeyboardInterrupt):
        for track_id in left:
            library.discard(track_id)
        raise
    except StudioError as error:
        for track in tuple(left.values()):
            end(track, error)
    except BaseException as error:
        for track in left.values():
            _fail(library, track, f"The studio met a fault of its own ({type(error).__name__}: {error}).")
        raise
    on_progress(Progress("done", 1.0, 0.0))


def pending(library: Library, track_id: str) -> Track:
    """The take of this id. Raises `StudioError` where it was begun, or is no longer there."""
    track = library.get(track_id)
    if track.status is not Status.PENDING:
        raise StudioError(f"{track.title!r} is {track.status}: it cannot be begun again.")
    return track


def batches(tracks: Sequence[Track], engines: Sequence[EngineInfo]) -> list[list[Track]]:
    """Pending takes of one request, in the batches to make them in: one where their engine can "together", else each
    take is a batch of its own.
    """
    able = {info.name for info in engines if "together" in info.can}
    return [list(tracks)] if all(track.engine in able for track in tracks) else [[track] for track in tracks]


def make_all(
    batches: Sequence[Sequence[Track]],
    make: Callable[[Sequence[str], OnProgress, OnTakeEnded], None],
    on_progress: OnProgress,
    cancel: Cancel,
) -> list[Track]:
    """Make batch after batch; the finished takes, in their order. None is begun once `cancel.enough()`.

    Raises `Cancelled`, also where nothing came of it, and a take's error once the others of its batch have ended.
    """
    done: list[Track] = []
    faults: list[StudioError] = []

    def end(_: str, outcome: Track | StudioError | Cancelled) -> None:
        if isinstance(outcome, Track):
            done.append(outcome)
        elif isinstance(outcome, StudioError):
            faults.append(outcome)

    for number, batch in enumerate(batches):
        share = ranged(on_progress, number / len(batches), (number + 1) / len(batches))
        make([track.id for track in batch], share, end)
        if faults:
            raise faults[0]
        if cancel.enough():
            break
    if not done:
        raise Cancelled  # it was enough before there was anything to keep
    return sorted(done, key=lambda track: track.take)


def _begin(track: Track, exact: bool, library: Library) -> Wanted:
    library.processing(track.id)
    staging = library.staging(track.id)
    # Found again, not remembered: what it was when the take was asked for may have been removed since.
    reference = steering.reference_audio(recipe.controls_of(track).reference, library)
    return Wanted(recipe.task_of(track, reference), staging, recipe.contract_of(track, exact=exact))


def _keep(track: Track, made: Made, staging: Path, library: Library) -> Track:
    full = recipe.full_recipe(track, made)
    recipe.write_recipe(staging, full)
    return library.complete(
        track.id,
        staging,
        tempo=made.tempo,
        model=full["model"],
        key=made.key,
        beats_per_bar=made.beats_per_bar,
        beat_offset_s=made.beat_offset_s,
        sections=made.sections,
        recipe=full,
        **measured(made.masters),
    )


def _fail(library: Library, track: Track, reason: str) -> None:
    """Write the reason down, where there still is a row; the first error is the one to tell, whatever comes now."""
    try:
        library.fail(track.id, reason)
    except StudioError:
        log.exception("track %s could not be marked as failed", track.id)
