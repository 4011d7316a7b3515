"""What window, command line and clients call: one object with the person's library, settings and engines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nur_studio.audio.files import Encoding
from nur_studio.core.description import describe
from nur_studio.core.errors import Cancelled, EngineUnavailable, FileProblem, StudioError
from nur_studio.core.mix import Mix
from nur_studio.core.paths import Directories
from nur_studio.core.progress import (
    Cancel,
    CancelToken,
    OnProgress,
    ignore_progress,
    metered,
    ranged,
)
from nur_studio.core.prompt import PromptReading, read_prompt
from nur_studio.core.request import GenerationRequest
from nur_studio.core.settings import Settings, load_settings, save_settings
from nur_studio.core.track import Track
from nur_studio.engines import catalogue
from nur_studio.engines.base import EngineInfo
from nur_studio.engines.process import Chunk, EngineProcess
from nur_studio.engines.remote.listing import Listing
from nur_studio.library.library import Library
from nur_studio.studio import combining, dragging, generating, importing, matching, recipe, separating
from nur_studio.studio.choosing import Choosing, library_mark
from nur_studio.studio.hand_off import HandOff
from nur_studio.studio.models_shelf import ModelShelf, ModelState
from nur_studio.studio.retiming import Retimes

if TYPE_CHECKING:
    from nur_studio.engines.base import Forecast

__all__ = ["Chunk", "Encoding", "ModelState", "Studio"]

PURGE_AFTER_S = 7 * 24 * 3600.0
"""A deleted take can be brought back this long; then the next start removes it for good."""

_MAKING_SHARE = 0.85  # of the progress of a take that is separated afterwards


def ignore_chunk(_: Chunk) -> None:
    """An on_chunk for who does not listen in."""


class Studio(HandOff, Retimes, Choosing):
    """The studio of one person: `directories` says where everything is, `engines` and `separators` what there is to
    choose from (without them what the catalogue knows, on the device of the settings).

    Methods that work take `on_progress` and `cancel`, block, and may be called from any thread. They raise
    `StudioError` with a sentence for people, or `Cancelled`. `close` when done.
    """

    def __init__(
        self,
        directories: Directories,
        *,
        engines: Callable[[], Sequence[EngineInfo]] | None = None,
        separators: Callable[[], Sequence[EngineInfo]] | None = None,
    ) -> None:
        self.directories = directories
        self.settings: Settings = load_settings(directories.settings_file)
        self.library = Library(directories.library)
        self._engines = engines or self._catalogue
        self._separators = separators or self._separators_of_catalogue
        self._process = EngineProcess(directories.log / "engine.log")
        self._listing = Listing(directories.cache, library_mark(directories))
        self._shelf = ModelShelf(directories.models, directories.cache, self._process)
        self._waiting: set[str] = set()  # submitted here, not begun
        self._lock = threading.Lock()
        self.purge(PURGE_AFTER_S)

    def close(self) -> None:
        """End the engine process (a generation that still runs is cancelled); takes not begun leave nothing."""
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        for track_id in waiting:
            self.library.discard(track_id)
        self._shelf.close()
        self._process.close()
        self.library.close()

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- what there is -------------------------------------------------------------------------------------------

    def update_settings(self, **changes: Any) -> Settings:
        """Change some of the settings and keep them. Raises `FileProblem` where they cannot be written."""
        self.settings = replace(self.settings, **changes)
        try:
            save_settings(self.settings, self.directories.settings_file)
        except OSError as error:
            raise FileProblem(
                f"The settings cannot be kept in {self.directories.settings_file}: {error.strerror or error}."
            ) from error
        return self.settings

    def read(self, prompt: str, genre: str | None = None, tempo: int | None = None) -> PromptReading:
        """What the studio understands, while one types."""
        return read_prompt(prompt, genre, tempo)

    def description_for(self, request: GenerationRequest) -> str:
        """What a model is told for a request that brings no description of its own; the request need not be valid."""
        reading = read_prompt(request.prompt, request.genre, request.tempo)
        tempo = reading.tempo if request.seed is None else recipe.chosen_tempo(reading, request.seed)
        return describe(request.prompt, reading, tempo, recipe.shown_genre(request, reading))

    # -- generate ------------------------------------------------------------------------------------------------

    def submit(self, request: GenerationRequest, *, group: str = "") -> list[Track]:
        """Take a request in: one pending track per take, to be made with `make`, or with `make_together` by `batches`.

        `group` is the `group_id` of takes that these join. Raises `InvalidRequest`, `EngineUnavailable`, and
        `StudioError` where the engine cannot do what the controls ask, or a reference cannot be used.
        """
        request.validate()
        self.check_controls(request)
        engine = self._engine_for(request)
        delivery = recipe.Delivery(self.settings.sample_rate, self.settings.master, self.settings.far_off)
        tracks = generating.new_takes(request, engine, self.library, group, delivery)
        with self._lock:
            self._waiting.update(track.id for track in tracks)
        return tracks

    def make(
        self,
        track_id: str,
        on_progress: OnProgress = ignore_progress,
        on_chunk: Callable[[Chunk], None] = ignore_chunk,
        cancel: Cancel | None = None,
    ) -> Track:
        """Make a pending take; the finished track. Cancelled, it leaves nothing; gone wrong, a failed track.

        Once `cancel.enough()`, an engine that can "keep" ends there, and what it has made is the take.
        """
        ended: list[Track | StudioError | Cancelled] = []
        self.make_together(
            [track_id], on_progress, lambda _, chunk: on_chunk(chunk), lambda _, end: ended.append(end), cancel
        )
        (outcome,) = ended
        if isinstance(outcome, Track):
            return outcome
        raise outcome

    def batches(self, tracks: Sequence[Track]) -> list[list[Track]]:
        """Pending takes of one request, in the batches to make them in with `make_together`."""
        return generating.batches(tracks, self._all_engines())

    def make_together(
        self,
        track_ids: Sequence[str],
        on_progress: OnProgress,
        on_chunk: generating.OnTakeChunk,
        on_ended: generating.OnTakeEnded,
        cancel: Cancel | None = None,
    ) -> None:
        """Make pending takes of one engine as one batch; `on_ended` is told each one's end when it comes.

        Progress is of all of them. What goes wrong with one leaves the others alone: only `Cancelled` is raised, and
        takes not finished by then leave nothing.
        """
        tracks = []
        for track_id in track_ids:
            try:
                tracks.append(generating.pending(self.library, track_id))
            except StudioError as error:
                on_ended(track_id, error)
        if not tracks:
            return
        with self._lock:
            self._waiting.difference_update(track_ids)
        (name,) = {track.engine for track in tracks}
        try:
            engine = catalogue.usable_engine(name, self._all_engines())
        except EngineUnavailable as error:  # its weights were removed while the takes waited, say
            for track in tracks:
                self.library.fail(track.id, str(error))
                on_ended(track.id, error)
            return
        generating.make_takes(
            tracks, engine, self.library, self._process, on_progress, on_chunk, on_ended, cancel or CancelToken()
        )

    def generate(
        self,
        request: GenerationRequest,
        on_progress: OnProgress = ignore_progress,
        on_chunk: Callable[[Chunk], None] = ignore_chunk,
        cancel: Cancel | None = None,
        *,
        stems: bool | None = None,
    ) -> list[Track]:
        """Submit a request and make all of its takes, as one batch where the engine can: chunks of several takes come
        mixed then, told apart by their paths. Takes finished in spite of a cancel or another's error are kept; none is
        begun once `cancel.enough()`.

        Takes without stems are then separated: always with `stems`, never without, and with None as the settings say.
        Where that does not work out they are kept all the same, and the `note` in their recipe says why.
        """
        cancel = cancel or CancelToken()
        pending = self.submit(request)
        on_progress = metered(on_progress)
        apart = not self._engine_for(request).stems and self._wants_stems(stems)
        making = _MAKING_SHARE if apart else 1.0

        def make(ids: Sequence[str], on: OnProgress, on_ended: generating.OnTakeEnded) -> None:
            self.make_together(ids, on, lambda _, chunk: on_chunk(chunk), on_ended, cancel)

        try:
            done = generating.make_all(self.batches(pending), make, ranged(on_progress, 0.0, making), cancel)
        finally:
            for track in pending:  # those not begun; finished and failed ones stay
                self.discard(track.id)
        if self._wants_stems(stems):  # afterwards: engine and separator share the memory
            tell = ranged(on_progress, making, 1.0)
            return separating.all_of(done, lambda track, on: self.separate(track.id, None, on, cancel), tell)
        return done

    def discard(self, track_id: str) -> None:
        """Forget a take that was submitted and not begun."""
        with self._lock:
            self._waiting.discard(track_id)
        self.library.discard(track_id)

    def request_of(self, track_id: str) -> GenerationRequest:
        """The request that makes this take again, note for note: the same words, seed and engine."""
        return recipe.request_of(self.library.get(track_id))

    # -- from other sound ----------------------------------------------------------------------------------------

    def import_audio(
        self, path: Path, on_progress: OnProgress = ignore_progress, cancel: Cancel | None = None
    ) -> Track:
        """Take an audio file in as a finished track: anything that libsndfile reads, or ffmpeg where it is installed.

        What is to be known of it (a damaged end, channels brought together …) is `recipe["note"]`. Raises `StudioError`
        for what is no sound, too long or too large, and `Cancelled`; then there is nothing new.
        """
        return importing.import_audio(
            path, self.library, self.settings.output_format, metered(on_progress), cancel or CancelToken()
        )

    def combine(
        self,
        track_id: str,
        other_id: str,
        stem: str,
        *,
        into: str = "",
        layer: bool = False,
        repeat: bool = False,
        stretch: bool = True,
        title: str = "",
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Track:
        """A new track: this one with a stem of another in place of its own, or with `layer` on top of it.

        `stem` is a part of the other track ("mix" for all of it), `into` the lane of this one it goes to: its namesake
        where left out. Where both have a tempo they meet downbeat on downbeat: with `stretch` the stem is brought to
        this one's, without it tempi that differ are refused.
        `repeat` loops whole bars of the stem to this track's length. Raises `StudioError` and `Cancelled`.
        """
        wish = matching.Wish(stem, into, layer, repeat, title, self.settings.sellable_only)
        track, other = self.library.get(track_id), self.library.get(other_id)
        stretcher, cancel = self._process.stretch if stretch else None, cancel or CancelToken()
        return combining.combine(track, other, wish, stretcher, self.library, metered(on_progress), cancel)

    def set_mix(self, track_id: str, mix: Mix) -> Track:
        """Remember how the stems of a track are mixed."""
        return self.library.set_mix(track_id, mix)

    # -- separate ------------------------------------------------------------------------------------------------

    def separate(
        self,
        track_id: str,
        separator: str | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
        *,
        force: bool = False,
    ) -> Track:
        """Take a finished track apart into stems that add up to it; the track with them. Stems of an earlier separation
        are replaced, those an engine made only with `force`.

        Raises `EngineUnavailable` where no separator can run, `StudioError`; whatever goes wrong, the track stays as it
        was.
        """
        track = self.library.get(track_id)
        separating.check(track, force=force)
        info = separating.usable(separator or self.default_separator(), self.separators())
        return separating.separate(track, info, self.library, self._process, on_progress, cancel or CancelToken())

    # -- models --------------------------------------------------------------------------------------------------

    def models(self) -> list[ModelState]:
        """Every model there could be, and what of it is here; quick."""
        return self._shelf.states()

    def download_model(
        self, name: str, on_progress: OnProgress = ignore_progress, cancel: Cancel | None = None
    ) -> None:
        """Fetch what is missing of a model. The person has agreed to its licence; a break is resumed by calling again.

        Raises `StudioError`, and `Cancelled`: what was fetched stays for the next time.
        """
        self._shelf.download(name, metered(on_progress), cancel or CancelToken())

    def import_models(
        self, folder: Path, on_progress: OnProgress = ignore_progress, cancel: Cancel | None = None
    ) -> tuple[str, ...]:
        """Copy the models that lie in `folder`; their names. Raises `StudioError` where there is none, or not all."""
        return self._shelf.bring(folder, metered(on_progress), cancel or CancelToken())

    def verify_model(self, name: str, on_progress: OnProgress = ignore_progress, cancel: Cancel | None = None) -> None:
        """Read every file of a model and compare it with its checksum. Raises `FileProblem` naming one that differs."""
        self._shelf.verify(name, metered(on_progress), cancel or CancelToken())

    def remove_model(self, name: str) -> int:
        """Take a model off the disk, with the parts that no other needs; the bytes freed. Waits for a take's end."""
        return self._shelf.remove(name)

    def forecast(self, name: str, cancel: Cancel | None = None) -> Forecast:
        """Whether a model fits this machine and how fast it is there; tried once for some seconds, then kept."""
        return self._shelf.forecast(
            name, self.settings.device, cancel or CancelToken(), precision=self.settings.precision
        )

    # -- care ----------------------------------------------------------------------------------------------------

    def warm(self) -> None:
        """Start the engine process and load the person's engine; returns at once."""
        name = self.default_engine()
        for engine in self.engines():
            if engine.name == name and not engine.why_not:
                self._process.warm(engine)

    def purge(self, older_than_s: float = 0.0) -> list[str]:
        """Remove for good the takes deleted longer ago than this, with every file made for them; their ids."""
        ids = self.library.purge(older_than_s)
        dragging.forget(self.directories.drags, ids)
        return ids
