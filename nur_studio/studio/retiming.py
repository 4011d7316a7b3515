"""A finished take handed over anew: in the tempo that was asked for, however far off it was, or as it was made."""

from __future__ import annotations

import logging
import secrets

from nur_studio.core.contract import FarOff
from nur_studio.core.errors import FileProblem, StudioError
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, ignore_progress
from nur_studio.core.story import CONTRACT, tempo_story
from nur_studio.core.track import Status, Track
from nur_studio.engines.process import EngineProcess
from nur_studio.library.library import Library
from nur_studio.studio import recipe
from nur_studio.studio.keeping import measured

log = logging.getLogger(__name__)


class Retimes:
    """A part of `Studio`, which says what its methods promise."""

    library: Library
    _process: EngineProcess

    def retime(
        self,
        track_id: str,
        *,
        as_made: bool = False,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Track:
        """Bring a finished take to the tempo it was asked for, however far that is, or with `as_made` use it as it was
        made; its original is kept either way. Stems of an earlier separation are of another sound then, and go.

        Raises `StudioError`; whatever goes wrong, the track stays as it was.
        """
        track = self.library.get(track_id)
        return retime(track, as_made, self.library, self._process, on_progress, cancel or CancelToken())

    def leave_tempo(self, track_id: str) -> Track:
        """Leave a take far from its tempo as it is: nobody asks about it again."""
        return leave(self.library.get(track_id), self.library)


def check(track: Track) -> None:
    """Raise `StudioError` for a take that can be handed over in one way only."""
    from nur_studio.audio.masters import mix_path, original_path

    if track.status is not Status.COMPLETED:
        raise StudioError(f"{track.title!r} is not finished.")
    story = tempo_story(track)
    if story is None or not story.original:
        raise StudioError(
            f"{track.title!r} is as it was made: nothing of its tempo was changed, or is to be.",
            hint="Only a take of MusicGen that was asked for a tempo can be brought to it.",
        )
    if not mix_path(original_path(track.folder)).exists():
        raise FileProblem(f"The original of {track.title!r} is no longer in the library.")


def retime(
    track: Track, as_made: bool, library: Library, process: EngineProcess, on_progress: OnProgress, cancel: Cancel
) -> Track:
    """See `Retimes.retime`."""
    check(track)
    cancel.check()
    contract = recipe.contract_of(track, exact=False, far_off=FarOff.STRETCH)
    assert contract is not None
    with library.workspace(track.id) as folder:
        made = process.redeliver(track.folder, folder, contract, as_made, on_progress, cancel)
        # Read again: a title or a mix may have been changed while it was at work.
        now = library.get(track.id)
        told = dict(now.recipe.get(CONTRACT, {}))
        before = str(told.get("note", ""))
        full = {name: value for name, value in now.recipe.items() if name not in (recipe.SEPARATION, "tempo_exact")}
        own = str(full.get("note", "")).removesuffix(before).rstrip()
        # A new id, so that files made of it as it was are not taken for these.
        full[CONTRACT] = {**told, **made.contract, "note": made.note, "id": secrets.token_hex(4)}
        full["note"] = " ".join(filter(None, (own, made.note)))
        if made.tempo_exact is not None:
            full["tempo_exact"] = made.tempo_exact
        after = library.replace_masters(
            track.id,
            folder,
            tempo=made.tempo,
            beat_offset_s=made.beat_offset_s,
            recipe=full,
            **measured(made.masters),
        )
    _write_recipe(after)
    return after


def leave(track: Track, library: Library) -> Track:
    """The person wants it as it is: nothing is left to decide."""
    told = track.recipe.get(CONTRACT)
    if not isinstance(told, dict) or told.get("open") is not True:
        return track
    after = library.set_recipe(track.id, {**track.recipe, CONTRACT: {**told, "open": False, "left": True}})
    _write_recipe(after)
    return after


def _write_recipe(track: Track) -> None:
    try:
        recipe.write_recipe(track.folder, track.recipe)
    except OSError:  # the library has it; the copy beside the masters is for people
        log.exception("the recipe of %s could not be written", track.id)
