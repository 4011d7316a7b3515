"""MusicGen as a music engine: one model of the weights folder, kept warm, that makes takes of any length."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from nur_studio.core.errors import GenerationFailed
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, ignore_progress, ranged
from nur_studio.engines.base import Music, MusicTask, OnAudio, OnEnded
from nur_studio.engines.checkpoints import BadCheckpoint, is_out_of_memory
from nur_studio.engines.device import Device, choose, give_back
from nur_studio.engines.models import MusicModel, music_model
from nur_studio.engines.musicgen.facts import ModelFacts
from nur_studio.engines.musicgen.loading import ModelFolders, MusicGenModel, load
from nur_studio.engines.musicgen.taking import Taking, less_memory
from nur_studio.engines.musicgen.together import Together
from nur_studio.engines.weights import WeightStore

log = logging.getLogger(__name__)

_LOADING_SHARE = 0.1  # of a take's progress, where the model has to be loaded first


class MusicGenEngine:
    """Implements `MusicGenerator` for the model called `model` below `folder`, on the device called `device`, in the
    precision called `precision`.
    """

    def __init__(self, model: str, folder: str, device: str = "auto", precision: str = "auto") -> None:
        self.info = music_model(model)
        self._store = WeightStore(Path(folder))
        self._wanted = device, precision
        self._ready: tuple[MusicGenModel, Device] | None = None
        self._device: Device | None = None

    def warm(self) -> None:
        """Load the model ahead of time."""
        self._loaded(ignore_progress, CancelToken())

    def release(self) -> None:
        """Give all memory back; the next take loads the model again."""
        self._ready = None
        give_back()

    def generate(self, task: MusicTask, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> Music:
        """Make one take, window by window. What is decoded is heard at once.

        Raises `GenerationFailed` where memory did not even do for a second of music.
        """
        ended: list[Music | Exception] = []
        self.generate_together([task], on_progress, [on_audio], lambda _, outcome: ended.append(outcome), cancel)
        (outcome,) = ended
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def generate_together(
        self,
        tasks: Sequence[MusicTask],
        on_progress: OnProgress,
        on_audio: Sequence[OnAudio],
        on_ended: OnEnded,
        cancel: Cancel,
    ) -> None:
        """Implements `MakesTogether`: takes that are equal in all but the seed are decoded as one, see `Together`."""
        share = _LOADING_SHARE if self._ready is None else 0.0
        try:
            model, device = self._loaded(ranged(on_progress, 0.0, share), cancel)
        except (MemoryError, RuntimeError) as error:  # torch's own OutOfMemoryError is a RuntimeError
            if not is_out_of_memory(error):
                raise
            self.release()
            raise self._too_little_memory() from error
        ran_out = False

        def end(number: int, outcome: Music | Exception) -> None:
            nonlocal ran_out
            if isinstance(outcome, Exception) and is_out_of_memory(outcome):
                log.error("out of memory", exc_info=outcome)
                ran_out = True
                outcome = self._too_little_memory()
            on_ended(number, outcome)

        takings = [
            Taking(model, self.info, device, task, listener, cancel)
            for task, listener in zip(tasks, on_audio, strict=True)
        ]
        try:
            Together(model, takings, ranged(on_progress, share, 1.0), end, cancel).make()
        finally:
            if ran_out:
                del model, takings
                self.release()

    def _too_little_memory(self) -> GenerationFailed:
        return GenerationFailed(
            f"There is not enough memory for {self.info.title}.",
            hint=f"Close other programs, or try {less_memory(self.info, self._device)}.",
        )

    def _loaded(self, on_progress: OnProgress, cancel: Cancel) -> tuple[MusicGenModel, Device]:
        if self._ready is None:
            device = self._device = choose(*self._wanted)
            self._store.verify(self.info, on_progress=ignore_progress, cancel=cancel, changed_only=True)
            paths = self._store.paths(self.info)
            folders = ModelFolders(paths.checkpoint, paths.text_encoder, paths.codec)
            model = load(folders, torch.device(device.kind), device.precision, on_progress, cancel)
            _check_kind(model.facts, self.info)
            self._ready = model, device
        return self._ready


def _check_kind(facts: ModelFacts, info: MusicModel) -> None:
    """Raise `BadCheckpoint` where the weights are of another kind of model than the folder they lie in."""
    if (facts.stereo, facts.melody) == (info.stereo, info.melody):
        return
    kind = f"{'stereo' if facts.stereo else 'mono'} model that follows {'a tune' if facts.melody else 'no tune'}"
    raise BadCheckpoint(
        f"What lies in the folder of {info.title} is another model, a {kind}.",
        hint=f"Remove {info.title} and get it again.",
    )


def musicgen(model: str, folder: str, device: str = "auto", precision: str = "auto") -> MusicGenEngine:
    """The factory the engine catalogue names."""
    return MusicGenEngine(model, folder, device, precision)
