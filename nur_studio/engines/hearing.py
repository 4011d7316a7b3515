"""Transcribing in a process of its own: what takes minutes there neither holds a window up nor stays in its memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path

from nur_studio.audio.files import read_audio
from nur_studio.core.errors import GenerationFailed, StudioError
from nur_studio.core.progress import Cancel, OnProgress, Progress, ranged
from nur_studio.engines.transcribing import HeardNote, check, transcribe

NAME = "NUR Studio transcription"
_POLL_S = 0.05
_NICENESS = 10

Heard = dict[str, tuple[HeardNote, ...]]


def hear(sources: Mapping[str, Path], on_progress: OnProgress, cancel: Cancel) -> Heard:
    """The notes of each of these audio files, under its name.

    Raises `EngineUnavailable` where the packages are not there, `StudioError`, and `Cancelled`: the process is ended
    then, whatever it is at.
    """
    check()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, dict(sources)), name=NAME, daemon=True)
    process.start()
    theirs.close()
    try:
        while True:
            while not ours.poll(_POLL_S):
                cancel.check()
            cancel.check()
            try:
                message = ours.recv()
            except (EOFError, OSError) as error:
                raise GenerationFailed(
                    "The transcription stopped unexpectedly.",
                    hint="Try one stem alone, or close other programs if memory was short.",
                ) from error
            if isinstance(message, Progress):
                on_progress(message)
            elif isinstance(message, StudioError):
                raise message
            else:
                heard: Heard = message
                return heard
    finally:
        ours.close()
        process.kill()
        process.join()
        process.close()


def _run(connection: Connection, sources: Mapping[str, Path]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole terminal; the parent decides what it means
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    heard: Heard = {}
    with contextlib.suppress(BrokenPipeError):  # the parent is gone, or no longer waits
        try:
            for index, (name, path) in enumerate(sources.items()):
                share = ranged(connection.send, index / len(sources), (index + 1) / len(sources))
                audio, sample_rate = read_audio(path)
                heard[name] = transcribe(audio, sample_rate, on_progress=share)
        except BrokenPipeError:
            raise
        except StudioError as error:
            connection.send(error)
        except MemoryError:
            connection.send(
                GenerationFailed("There is not enough memory to transcribe this.", hint="Close other programs.")
            )
        except Exception as error:
            connection.send(
                GenerationFailed(f"The transcription met a fault of its own ({type(error).__name__}: {error}).")
            )
        else:
            connection.send(heard)
