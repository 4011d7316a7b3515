"""What a person asks for, and the one place that says what may be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nur_studio.core.controls import Controls
from nur_studio.core.errors import InvalidRequest

FORMATS = ("mp3", "wav", "flac", "ogg")
MIN_DURATION, MAX_DURATION = 5, 300
MIN_TEMPO, MAX_TEMPO = 40, 220
MAX_BARS = 64
MAX_TAKES = 8
MAX_SEED = 2**32 - 1
MAX_PROMPT = 4000
MAX_GENRE = 60
_READABLE = "text in the system's own encoding"


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A wish for music, as it was given. None means "you decide" (genre and tempo from the prompt, a new seed).

    `duration` is in whole seconds, `tempo` in BPM. `bars`, where there are any, are the length in place of `duration`:
    so many bars of the tempo that the take is made in. Nothing is checked on construction: `validate` does.
    """

    prompt: str
    duration: int = 30
    genre: str | None = None
    tempo: int | None = None
    output_format: str = "mp3"
    seed: int | None = None
    engine: str | None = None
    takes: int = 1
    controls: Controls = field(default_factory=Controls)
    bars: int | None = None

    def validate(self) -> None:
        """Raise `InvalidRequest` for the first fault."""
        for fault in self.faults():
            raise fault

    def faults(self) -> Iterator[InvalidRequest]:
        """Every fault, a sentence each, in the order of the fields."""
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            yield InvalidRequest("prompt", self.prompt, "a description of the music in words")
        elif len(self.prompt) > MAX_PROMPT:
            yield InvalidRequest("prompt", self.prompt, f"at most {MAX_PROMPT} characters")
        elif not readable(self.prompt):
            yield InvalidRequest("prompt", self.prompt, _READABLE)
        if not _whole(self.duration, MIN_DURATION, MAX_DURATION):
            yield InvalidRequest(
                "duration", self.duration, f"a whole number of seconds from {MIN_DURATION} to {MAX_DURATION}"
            )
        if self.bars is not None and not _whole(self.bars, 1, MAX_BARS):
            yield InvalidRequest("bars", self.bars, f"a whole number of bars from 1 to {MAX_BARS}")
        if self.genre is not None and not (
            isinstance(self.genre, str) and self.genre.strip() and len(self.genre) <= MAX_GENRE
        ):
            yield InvalidRequest("genre", self.genre, f"a name of at most {MAX_GENRE} characters, such as lo-fi")
        elif self.genre is not None and not readable(self.genre):
            yield InvalidRequest("genre", self.genre, _READABLE)
        if self.tempo is not None and not _whole(self.tempo, MIN_TEMPO, MAX_TEMPO):
            yield InvalidRequest("tempo", self.tempo, f"a whole number of BPM from {MIN_TEMPO} to {MAX_TEMPO}")
        if self.output_format not in FORMATS:
            yield InvalidRequest("output_format", self.output_format, f"one of {', '.join(FORMATS)}")
        if self.seed is not None and not _whole(self.seed, 0, MAX_SEED):
            yield InvalidRequest("seed", self.seed, f"a whole number from 0 to {MAX_SEED}")
        if self.engine is not None and not (isinstance(self.engine, str) and self.engine.strip()):
            yield InvalidRequest("engine", self.engine, "the name of an engine; `nur-studio engines` lists them")
        if not _whole(self.takes, 1, MAX_TAKES):
            yield InvalidRequest("takes", self.takes, f"a whole number from 1 to {MAX_TAKES}")
        yield from self.controls.faults()


def readable(text: str) -> bool:
    """Whether it can be written down: half characters come from bytes in another encoding than the system's."""
    return not any("\ud800" <= c <= "\udfff" for c in text) and "\0" not in text


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
