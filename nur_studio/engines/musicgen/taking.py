"""One take with MusicGen: asks for its windows in turn, judges each when it is whole and asks again where it lost the
thread, all of it heard while it is made."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from nur_studio.audio.finishing import fade_length_s, faded, levelled
from nur_studio.core.controls import SectionPrompt
from nur_studio.core.description import describe
from nur_studio.core.errors import Cancelled, FileProblem, GenerationFailed
from nur_studio.core.names import title_from_prompt
from nur_studio.core.progress import Cancel
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Section
from nur_studio.engines.base import Music, MusicTask, OnAudio
from nur_studio.engines.checkpoints import is_out_of_memory
from nur_studio.engines.device import Device
from nur_studio.engines.models import MODELS, MusicModel
from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.guards import History, Verdict, judge
from nur_studio.engines.musicgen.loading import MusicGenModel
from nur_studio.engines.musicgen.longform import WindowPlan, carry_frames, plan
from nur_studio.engines.musicgen.references import count_in, read_codes, read_reference
from nur_studio.engines.musicgen.sampling import Sampling
from nur_studio.engines.musicgen.sounding import Sounding

log = logging.getLogger(__name__)

MAX_ROLLS = 3  # of one window
MAX_ROLLS_AGAIN = 6  # of a whole take
SHORTEST_S = 1.0  # less is not worth keeping


@dataclass(frozen=True, slots=True)
class _Opening:
    """Codes (codebooks, frames) the music begins with; the first `lead` frames are not part of the take."""

    codes: torch.Tensor
    lead: int


@dataclass(frozen=True, slots=True, eq=False)
class Roll:
    """What a take wants decoded next: a window, by a seed.

    `known` (codebooks, carry) is what the window begins with. While it is decoded `add` takes its new codes, in order,
    and `again` forgets all of them; `share` says how much of the whole take is made once so many frames are ready.
    """

    window: WindowPlan
    seed: int
    known: torch.Tensor
    sampling: Sampling
    conditions: Callable[[], Conditions]
    add: Callable[[torch.Tensor], None]
    again: Callable[[], None]
    share: Callable[[int], float]

    @property
    def frames(self) -> int:
        """The whole window's, what it begins with included."""
        return self.window.carry + self.window.end - self.window.start


@dataclass(frozen=True, slots=True, eq=False)
class Rolled:
    """A window as it was decoded: its new codes (codebooks, frames), fewer than planned where it was enough, and how
    many takes were decoded as one with it.
    """

    codes: torch.Tensor
    takes: int


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    seed: int
    rolled: Rolled
    verdict: Verdict


class Taking:
    """Makes one take, but for the decoding: `music` asks whoever runs it for that. It is called once."""

    def __init__(
        self,
        model: MusicGenModel,
        info: MusicModel,
        device: Device,
        task: MusicTask,
        on_audio: OnAudio,
        cancel: Cancel,
    ) -> None:
        self.task = task
        self._model, self._info, self._device = model, info, device
        self._on_audio, self._cancel = on_audio, cancel
        self._rate = model.codec.frame_rate
        self._bar_s = task.reading.beats_per_bar * 60.0 / task.tempo
        controls = task.controls
        self._sampling = Sampling(
            guidance=model.facts.guidance if controls.guidance is None else controls.guidance,
            temperature=controls.temperature,
            top_k=controls.top_k,
        )
        self._window = model.window_frames
        if controls.window_s is not None:
            self._window = min(self._window, round(controls.window_s * self._rate))
        self._descriptions, self._changes_bars = _descriptions(task)
        self._conditions: dict[int, Conditions] = {}
        self._melody: Audio | None = None
        self._log: list[dict[str, Any]] = []
        self._rolls_again = self._lead = 0
        self._note = ""
        self._remarks: list[str] = []

    def remark(self, sentence: str) -> None:
        """Something about how it is made, for the recipe."""
        self._remarks.append(sentence)

    def music(self) -> Generator[Roll, Rolled, Music]:
        """The take: what is yielded is to be decoded and sent back, what went wrong with it to be thrown in.

        Raises `Cancelled`; out of memory passes through where less than a second was made by then.
        """
        task = self.task
        self._cancel.check()
        opening = self._opening()
        frames = round(task.duration_s * task.sample_rate)
        lead = self._lead = opening.lead
        sounding = Sounding(self._model.codec, task.sample_rate, lead, frames, self._on_audio)
        sounding.add(opening.codes)
        total = lead + math.ceil(task.duration_s * self._rate - 1e-9)
        plans = self._plans(opening.codes.shape[-1], lead, total)
        try:
            yield from self._make(plans, sounding, total)
        except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or sounding.heard < SHORTEST_S * self._rate:
                raise
            log.exception("out of memory in the middle of a take")
            self._note = _kept_note(sounding.heard / self._rate, self._info, self._device)
        if sounding.heard < SHORTEST_S * self._rate:
            raise Cancelled
        asked_s = task.duration_s - task.spare_s
        if not self._note and sounding.heard < min(total - lead, asked_s * self._rate):
            self._note = f"Ended early, as asked: {sounding.heard / self._rate:.1f} of {asked_s:.6g} s."
        audio = sounding.finish()
        codes = sounding.kept_codes()
        if not task.controls.loop and not task.spare_s:
            length_s = len(audio) / task.sample_rate
            audio = faded(audio, round(fade_length_s(self._bar_s, length_s) * task.sample_rate))
        self._cancel.check()
        audio = levelled(audio, task.sample_rate, task.master)
        return Music(
            mix=audio,
            stems={},
            sample_rate=task.sample_rate,
            tempo=task.tempo,
            beats_per_bar=task.reading.beats_per_bar,
            key=task.reading.key,
            sections=_sections(task, min(asked_s, len(audio) / task.sample_rate) / self._bar_s),
            details=self._details(opening),
            note=self._note,
            codes=codes,
        )

    # -- what it begins with -----------------------------------------------------------------------------------------

    def _opening(self) -> _Opening:
        task, codec = self.task, self._model.codec
        reference = task.controls.reference
        if reference is not None and task.reference is None:
            raise GenerationFailed("The reference of this take was not found.")
        if reference is not None and reference.use == "melody":
            if not self._info.melody:
                raise GenerationFailed(f"{self._info.title} follows no melody.", hint="The melody models do.")
            assert task.reference is not None
            self._melody = read_reference(task.reference, codec.sample_rate, 1)[:, 0]
        if reference is not None and reference.use == "continue":
            return _Opening(self._continued(), 0)
        if task.controls.count_in:
            primer = count_in(task, codec.sample_rate, self._cancel)
            # From the front, so that the downbeat after it falls on a frame.
            primer = primer[len(primer) % codec.hop :]
            channels = 2 if codec.stereo else 1
            codes = codec.encode(np.repeat(primer, channels, axis=1))
            return _Opening(codes, codes.shape[-1])
        return _Opening(torch.zeros((self._model.facts.codebooks, 0), dtype=torch.long, device=self._where()), 0)

    def _continued(self) -> torch.Tensor:
        """The codes that the take goes on from: those its music was made of, or its audio's, encoded once."""
        reference, codec, facts = self.task.reference, self._model.codec, self._model.facts
        assert reference is not None
        if reference.codes is not None:
            try:
                kept = read_codes(reference.codes)
            except FileProblem:
                log.exception("the codes of the reference cannot be read: its audio is encoded instead")
            else:
                if len(kept.codes) == facts.codebooks and kept.codes.max() < facts.card:
                    start = round(reference.start_s * self._rate)
                    end = None if reference.end_s is None else round(reference.end_s * self._rate)
                    codes = torch.from_numpy(kept.codes[:, start:end].astype(np.int64))
                    if codes.shape[-1]:
                        return codes.to(self._where())
        sound = read_reference(reference, codec.sample_rate, 2 if codec.stereo else 1)
        # Only whole frames: the last one would be filled up with silence, and music would go on from that.
        whole = sound[: len(sound) // codec.hop * codec.hop]
        if not len(whole):
            raise GenerationFailed("The part that was chosen is too short to go on from.")
        return codec.encode(whole)

    def _where(self) -> torch.device:
        return self._model.language_model.device

    # -- windows -----------------------------------------------------------------------------------------------------

    def _plans(self, first: int, lead: int, total: int) -> list[WindowPlan]:
        if first >= total:
            raise GenerationFailed("The part to go on from is as long as the whole take.", hint="Ask for more seconds.")
        count = math.ceil((total - lead) / self._rate / self._bar_s) + 1
        bars = [lead + round(bar * self._bar_s * self._rate) for bar in range(count)]
        changes = [lead + round(bar * self._bar_s * self._rate) for bar in self._changes_bars]
        carry = carry_frames(self._rate, self._bar_s, self._window / self._rate)
        return plan(first, total, self._window, carry, bars, changes)

    def _make(self, plans: list[WindowPlan], sounding: Sounding, total: int) -> Generator[Roll, Rolled, None]:
        history = History()
        first = plans[0].start
        for number, window in enumerate(plans):
            place = sounding.place()
            rolls: list[_Judged] = []
            while True:
                seed = window_seed(self.task.seed, number, len(rolls))
                rolled = yield self._roll(window, seed, sounding, first, total)
                whole = rolled.codes.shape[-1] == window.end - window.start
                fresh = rolled.codes.to("cpu", torch.int16).numpy()
                verdict = judge(sounding.sound_since(place), self._model.codec.sample_rate, fresh, history)
                rolls.append(_Judged(seed, rolled, verdict))
                if not verdict.faults or not whole or not self._may_roll_again(len(rolls)):
                    break
                log.info("window %d lost the thread (%s): rolled again", number, ", ".join(verdict.faults))
                self._rolls_again += 1
                sounding.back_to(place)
            best = min(rolls, key=lambda judged: judged.verdict.badness) if whole else rolls[-1]
            if best is not rolls[-1]:
                sounding.back_to(place)
                sounding.add(best.rolled.codes)
            history.add(best.verdict)
            self._note_window(window, rolls, best.seed)
            if not whole:
                return

    def _may_roll_again(self, rolled: int) -> bool:
        return rolled < MAX_ROLLS and self._rolls_again < MAX_ROLLS_AGAIN

    def _roll(self, window: WindowPlan, seed: int, sounding: Sounding, first: int, total: int) -> Roll:
        place = sounding.place()
        return Roll(
            window,
            seed,
            known=sounding.codes[:, window.start - window.carry : window.start],
            sampling=self._sampling,
            conditions=lambda: self._conditions_for(window),
            add=sounding.add,
            again=lambda: sounding.back_to(place),
            share=lambda ready: (window.start + ready - window.carry - first) / (total - first),
        )

    def _conditions_for(self, window: WindowPlan) -> Conditions:
        """Words of the window's section; the melody from where the window begins in the music."""
        controls = self.task.controls
        if self._melody is not None:
            codec = self._model.codec
            shift = (window.start - window.carry - self._lead) * codec.hop % len(self._melody)
            melody = torch.from_numpy(np.roll(self._melody, -shift))
            return self._model.conditioner(self._descriptions[window.section], controls.negative, melody)
        if window.section not in self._conditions:
            self._conditions[window.section] = self._model.conditioner(
                self._descriptions[window.section], controls.negative
            )
        return self._conditions[window.section]

    # -- the recipe --------------------------------------------------------------------------------------------------

    def _note_window(self, window: WindowPlan, rolls: list[_Judged], kept: int) -> None:
        self._log.append(
            {
                "start_s": round((window.start - self._lead) / self._rate, 3),
                "end_s": round((window.end - self._lead) / self._rate, 3),
                "carry_s": round(window.carry / self._rate, 3),
                "section": window.section,
                "seed": kept,
                "rolls": [
                    {
                        "seed": judged.seed,
                        "takes_at_once": judged.rolled.takes,
                        "faults": list(judged.verdict.faults),
                        **judged.verdict.measures,
                    }
                    for judged in rolls
                ],
            }
        )

    def _details(self, opening: _Opening) -> dict[str, object]:
        return {
            "model": self._info.name,
            "device": self._device.title,
            "precision": self._device.precision,
            "descriptions": list(self._descriptions),
            "negative": self.task.controls.negative,
            "guidance": self._sampling.guidance,
            "temperature": self._sampling.temperature,
            "top_k": self._sampling.top_k,
            "frame_rate": self._rate,
            "count_in_s": opening.lead / self._rate,
            "continued_s": (opening.codes.shape[-1] - opening.lead) / self._rate,
            "window_s": self._window / self._rate,
            "windows": self._log,
            "remarks": list(self._remarks),
        }


def window_seed(seed: int, window: int, roll: int) -> int:
    """The seed of a window's roll: the take's own for the first, else one that depends on all three numbers alone."""
    if window == roll == 0:
        return seed
    digest = hashlib.blake2b(f"{seed}/{window}/{roll}".encode(), digest_size=7).digest()
    return int.from_bytes(digest)


def _descriptions(task: MusicTask) -> tuple[list[str], list[int]]:
    """What the model is told, section by section, and the bars at which the second one begins, the third …"""
    controls = task.controls
    descriptions = [controls.description or describe(task.prompt, task.reading, task.tempo)]
    bars: list[int] = []
    plain = replace(task.reading, moods=(), instruments=())
    for section in controls.sections:
        words = describe(section.description, plain, task.tempo)
        if section.start_bar == 0:
            descriptions[0] = words
        else:
            descriptions.append(words)
            bars.append(section.start_bar)
    return descriptions, bars


def _sections(task: MusicTask, bars: float) -> tuple[Section, ...]:
    """The sections of a take that has some, within its length."""
    if not task.controls.sections:
        return ()
    prompts = [section for section in task.controls.sections if section.start_bar < bars]
    if not prompts or prompts[0].start_bar > 0:
        prompts.insert(0, SectionPrompt(0, task.prompt))
    ends = [*(section.start_bar for section in prompts[1:]), bars]
    return tuple(
        Section(title_from_prompt(section.description), section.start_bar, end - section.start_bar)
        for section, end in zip(prompts, ends, strict=True)
    )


def less_memory(info: MusicModel, device: Device | None) -> str:
    """What needs less memory than this model on this device (None: not known), as "a smaller model or …"."""
    ways = ["shorter windows"]
    if info.parameters > min(model.parameters for model in MODELS):
        ways.insert(0, "a smaller model")
    if device is None or device.kind != "cpu":
        ways.append("the CPU as device")
    return " or ".join(filter(None, (", ".join(ways[:-1]), ways[-1])))


def _kept_note(seconds: float, info: MusicModel, device: Device) -> str:
    ways = less_memory(info, device)
    return (
        f"Memory ran out after {seconds:.1f} s of music, which are kept. "
        f"For {info.title} there was too little of it: try {ways}."
    )
