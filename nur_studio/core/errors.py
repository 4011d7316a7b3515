"""Errors a person can act on: one sentence that says what is wrong, and a hint that says what to do."""

from __future__ import annotations


class StudioError(Exception):
    """Something a person can understand and mend.

    `str(error)` is one sentence; `hint`, where there is one, a second that says what to do.
    Anything that is not a StudioError (or Cancelled) is a fault of ours.
    """

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint

    @property
    def sentence(self) -> str:
        """What is wrong, without the hint."""
        return str(self.args[0])

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross from the engine process; Exception's own pickling would drop keyword arguments.
        return _revive, (type(self), self.sentence, self.__dict__)


def _revive(kind: type[StudioError], sentence: str, state: dict[str, object]) -> StudioError:
    error = kind.__new__(kind)
    Exception.__init__(error, sentence)
    error.__dict__.update(state)
    return error


class InvalidRequest(StudioError):
    """A field of a request is out of its range. `allowed` says the range in words."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        shown = repr(value)
        if len(shown) > 60:
            shown = shown[:57] + "…" + shown[-1]
        super().__init__(f"{field} must be {allowed}, not {shown}.")
        self.field = field
        self.value = value
        self.allowed = allowed


class TrackNotFound(StudioError):
    """No track has this id."""

    def __init__(self, track_id: str) -> None:
        super().__init__(
            f"There is no track {track_id!r} in the library.", hint="`nur-studio list` shows what is there."
        )
        self.track_id = track_id


class EngineUnavailable(StudioError):
    """The engine cannot run on this machine as it is."""


class UnknownEngine(EngineUnavailable):
    """No engine has this name."""


class QueueFull(EngineUnavailable):
    """So much is waiting to be made that no more is taken in. `retry_after_s`: when to ask again."""

    retry_after_s = 10

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} takes may wait to be made.", hint="Ask again when some of them are done.")


class ServerUnavailable(EngineUnavailable):
    """A studio's server cannot be reached, refuses us, or answers what no studio would."""


class GenerationFailed(StudioError):
    """The engine started and did not finish: it crashed, ran out of memory or disk."""


class TrackUnfinished(StudioError):
    """The track is still being made, or could not be: what was asked needs a finished one."""


class AudioUnavailable(StudioError):
    """No output device, or one that vanished."""


class FileProblem(StudioError):
    """A file cannot be read or written: not audio, no space, no permission."""


class Cancelled(Exception):
    """The person asked to stop. Shown to nobody."""
