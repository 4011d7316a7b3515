"""The terminal around a command: streams that can be written to, answers, Ctrl+C and polite kills, a progress bar."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from nur_studio.core.errors import FileProblem, StudioError
from nur_studio.core.progress import CancelToken, OnProgress, Progress, ignore_progress
from nur_studio.core.timing import format_time

_ERRORS = "nur-studio"
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def open_streams() -> None:
    """Give this process the three standard streams where it was started without, and let none refuse a character.

    Without them the next file or pipe opened would be standard output, for this process and for those it starts.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number: this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for good
    with contextlib.suppress(AttributeError):  # somebody else's stream, without an encoding
        reconfigure: Any = sys.stdout.reconfigure  # type: ignore[union-attr]
        reconfigure(errors=_ERRORS)


def _encoded(error: UnicodeError) -> tuple[str | bytes, int]:
    """A question mark for what an encoding lacks; a file name's byte in no encoding comes out as it came in."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    code = ord(error.object[error.start])
    return bytes([code - 0xDC00]) if 0xDC80 <= code <= 0xDCFF else "?", error.start + 1


codecs.register_error(_ERRORS, _encoded)


def answer(text: str) -> None:
    """A line to standard output, at once: what cannot be written is found out here, not when Python ends."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        raise FileProblem(f"The answer cannot be written to standard output: {error.strerror or error}.") from error


def answer_json(value: Any) -> None:
    """`value` to standard output, in characters it can hold."""
    lossless = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    answer(json.dumps(value, indent=2, ensure_ascii=not lossless, allow_nan=False))


def drop_output() -> None:
    """Let what is left in the buffer go nowhere, or Python would complain of it at its end."""
    with contextlib.suppress(OSError, ValueError):  # no descriptor behind it, where another program runs us
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def confirmed(question: str) -> bool:
    """Ask the person at the terminal; only a clear yes is one. Raises `StudioError` where nobody sits there."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise StudioError("This needs your consent, and there is no terminal to ask on.", hint="`--yes` gives it.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in ("y", "yes")


class Interrupts:
    """Ctrl+C, a polite kill and a closed terminal, while a command runs inside.

    Each raises `KeyboardInterrupt`; within `gently` the first one sets a token instead, so that the work can leave
    things tidy, and only a second one does not wait. `exit_code` is then the one shells expect.
    """

    def __init__(self) -> None:
        self.exit_code = 128 + signal.SIGINT
        self._token: CancelToken | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        for number in _SIGNALS:
            with contextlib.suppress(ValueError):  # not the main thread: the host handles signals
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a shell's background job
                    self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def gently(self) -> Iterator[CancelToken]:
        """The token to hand to work that tidies up."""
        self._token = token = CancelToken()
        try:
            yield token
        finally:
            self._token = None

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.exit_code = 128 + number
        if self._token is None or self._token.is_set():
            raise KeyboardInterrupt
        self._token.cancel()


@contextlib.contextmanager
def progress_bar(quiet: bool) -> Iterator[OnProgress]:
    """A bar on standard error where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield ignore_progress
        return
    from tqdm import tqdm

    with tqdm(total=1.0, bar_format="{desc:<12} {percentage:3.0f}% |{bar}| {unit}", unit="", leave=False) as bar:

        def show(progress: Progress) -> None:
            bar.n = progress.fraction
            bar.set_description_str(progress.stage, refresh=False)
            bar.unit = "" if progress.eta_s is None else f"{format_time(progress.eta_s)[:-3]} left"
            bar.refresh()

        yield show
