"""From a request to finished takes: choose what was left open, make each take, keep it, fail it or leave nothing."""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime
from pathlib import Path

from nur_studio.core.errors import Cancelled, StudioError
from nur_studio.core.names import title_from_prompt
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.request import MAX_SEED, GenerationRequest
from nur_studio.core.track import Status, Track, new_track_id
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.messages import Made
from nur_studio.engines.process import EngineProcess, OnChunk
from nur_studio.library.library import Library
from nur_studio.studio import recipe, steering
from nur_studio.studio.keeping import file_problem, measured

log = logging.getLogger(__name__)


def new_takes(
    request: GenerationRequest, engine: EngineInfo, library: Library, group: str, delivery: recipe.Delivery
) -> list[Track]:
    """The pending tracks of a request, already in the library. `group` is "" or that of takes already there.

    `request` is valid, and `engine` can do what it asks. Takes get the request's seed, the next one, and so on. Raises
    `StudioError` where a reference cannot be used.
    """
    request = steering.settled(request)
    reference = steering.reference_audio(request.controls.reference, library)
    duration_s = request.duration + steering.added_s(request, reference)
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
        tracks.append(
            Track(
                id=track_id,
                status=Status.PENDING,
                title=siblings[0].title if siblings else title_from_prompt(request.prompt),
                prompt=request.prompt,
                genre=genre,
                tempo=tempo,
                duration_s=float(duration_s),
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
                recipe=recipe.first_recipe(request, reading, engine, genre, tempo, own_seed, take, delivery),
            )
        )
    library.add(*tracks)
    return tracks


def make_take(
    track: Track,
    engine: EngineInfo,
    library: Library,
    process: EngineProcess,
    on_progress: OnProgress,
    on_chunk: OnChunk,
    cancel: Cancel,
) -> Track:
    """Make one pending take. Cancelled, it leaves nothing; gone wrong, it stays as failed with the sentence."""
    try:
        cancel.check()
        library.processing(track.id)
        staging = library.staging(track.id)
        # Found again, not remembered: what it was when the take was asked for may have been removed since.
        reference = steering.reference_audio(recipe.controls_of(track).reference, library)
        made = process.make(engine, recipe.task_of(track, reference), staging, on_progress, on_chunk, cancel)
        finished = _keep(track, made, staging, library)
    except (Cancelled, KeyboardInterrupt):
        library.discard(track.id)
        raise
    except StudioError as error:
        _fail(library, track, str(error))
        raise
    except OSError as error:
        problem = file_problem(error, library.directory)
        _fail(library, track, str(problem))
        raise problem from error
    except BaseException as error:
        _fail(library, track, f"The studio met a fault of its own ({type(error).__name__}: {error}).")
        raise
    on_progress(Progress("done", 1.0, 0.0))
    return finished


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
