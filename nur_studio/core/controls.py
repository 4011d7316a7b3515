"""What may be steered beside the request's own fields, where an engine can: how it samples, what it hears first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nur_studio.core.contract import FarOff
from nur_studio.core.errors import InvalidRequest

MAX_DESCRIPTION = 1000
MAX_SECTIONS = 16
GUIDANCE = (1.0, 10.0)
TEMPERATURE = (0.1, 2.0)
MAX_TOP_K = 2048
WINDOW_S = (10, 30)


@dataclass(frozen=True, slots=True)
class SectionPrompt:
    """From `start_bar` (0-based) on, the music follows `description`."""

    start_bar: int
    description: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Audio the music starts from. "continue": the take is the reference, then `duration` seconds of new music after
    it; "melody": its tune is followed.

    `source` is a track id or the path of an audio file; `part` the mix or a stem of a track. `start_s` to `end_s`
    select (None: its end).
    """

    use: Literal["continue", "melody"]
    source: str
    part: str = "mix"
    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    """None and empty mean: what the model was published with, and what the prompt says.

    `description` replaces the words built from prompt, genre, tempo, key; `negative` says what to steer away from.
    `count_in` starts the model on a drum loop at the asked tempo, which is dropped from the result. `window_s` is how
    many seconds are made at once, with what is heard again of the music before them: fewer need less memory.

    How a take is handed over: with `loop` as whole bars that go round without a seam, else with an end; `bar_one` has
    the first bar begin at its first frame, where a tempo was asked and a steady beat is found; `far_off` is what
    becomes of a tempo so far from the asked one that stretching would be heard (a `FarOff`; None: as the settings say).
    """

    description: str | None = None
    negative: str = ""
    guidance: float | None = None
    temperature: float = 1.0
    top_k: int = 250
    sections: tuple[SectionPrompt, ...] = ()
    reference: Reference | None = None
    count_in: bool = False
    loop: bool = False
    window_s: int | None = None
    bar_one: bool = True
    far_off: str | None = None

    def faults(self) -> Iterator[InvalidRequest]:
        """Every fault, a sentence each."""
        for name, text in (("description", self.description or ""), ("negative", self.negative)):
            if len(text) > MAX_DESCRIPTION:
                yield InvalidRequest(name, text, f"at most {MAX_DESCRIPTION} characters")
        if self.guidance is not None and not _within(self.guidance, *GUIDANCE):
            yield InvalidRequest("guidance", self.guidance, _range(GUIDANCE))
        if not _within(self.temperature, *TEMPERATURE):
            yield InvalidRequest("temperature", self.temperature, _range(TEMPERATURE))
        if not isinstance(self.top_k, int) or isinstance(self.top_k, bool) or not 0 <= self.top_k <= MAX_TOP_K:
            yield InvalidRequest("top_k", self.top_k, f"a whole number from 0 (all) to {MAX_TOP_K}")
        if self.window_s is not None and not (isinstance(self.window_s, int) and _within(self.window_s, *WINDOW_S)):
            yield InvalidRequest(
                "window_s", self.window_s, f"a whole number of seconds from {WINDOW_S[0]} to {WINDOW_S[1]}"
            )
        if self.far_off is not None and self.far_off not in tuple(FarOff):
            yield InvalidRequest("far_off", self.far_off, f"one of {', '.join(FarOff)}")
        yield from self._section_faults()
        reference = self.reference
        if reference is not None and not (
            _within(reference.start_s, 0.0, float("inf"))
            and (reference.end_s is None or reference.end_s > reference.start_s)
        ):
            yield InvalidRequest("reference", (reference.start_s, reference.end_s), "a part that ends after it starts")

    def _section_faults(self) -> Iterator[InvalidRequest]:
        bars = [section.start_bar for section in self.sections]
        if len(bars) > MAX_SECTIONS:
            yield InvalidRequest("sections", len(bars), f"at most {MAX_SECTIONS} sections")
        if any(bar < 0 for bar in bars) or bars != sorted(set(bars)):
            yield InvalidRequest("sections", bars, "sections that start at bars one after the other")
        for section in self.sections:
            if not section.description.strip() or len(section.description) > MAX_DESCRIPTION:
                yield InvalidRequest(
                    "sections",
                    section.description,
                    f"sections with a description of at most {MAX_DESCRIPTION} characters",
                )


def _within(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _range(bounds: tuple[float, float]) -> str:
    return f"a number from {bounds[0]:g} to {bounds[1]:g}"
