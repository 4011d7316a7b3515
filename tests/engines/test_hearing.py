"""Transcribing in a process of its own: notes come back, faults are sentences, and a cancel ends it."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest
from planted_tracks import tone

from nur_studio.audio.files import Encoding, write_audio
from nur_studio.core.errors import Cancelled, EngineUnavailable, FileProblem, GenerationFailed
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.engines import transcribing
from nur_studio.engines.hearing import NAME, hear
from nur_studio.engines.transcribing import why_not

needs_basic_pitch = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it is here")


def sound(path: Path, seconds: float) -> Path:
    write_audio(path, tone(220.0, seconds, level=0.3), 44100, Encoding("wav"))
    return path


def working() -> list[str]:
    return [child.name for child in multiprocessing.active_children() if child.name == NAME]


@needs_basic_pitch
def test_every_file_has_its_notes(tmp_path: Path) -> None:
    told: list[Progress] = []
    sources = {"bass": sound(tmp_path / "b.wav", 2.0), "other": sound(tmp_path / "o.wav", 1.0)}
    heard = hear(sources, told.append, CancelToken())
    assert list(heard) == ["bass", "other"]
    assert {note.pitch for notes in heard.values() for note in notes if note.velocity > 0.5} == {57}
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert working() == []


@needs_basic_pitch
def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="There is no file"):
        hear({"bass": tmp_path / "gone.wav"}, ignore_progress, CancelToken())
    assert working() == []


@needs_basic_pitch
def test_a_cancel_ends_it_at_once(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancelled_at = 0.0

    def stop(_: Progress) -> None:
        nonlocal cancelled_at
        cancelled_at = cancelled_at or time.monotonic()
        cancel.cancel()

    with pytest.raises(Cancelled):
        hear({"bass": sound(tmp_path / "b.wav", 60.0)}, stop, cancel)
    assert time.monotonic() - cancelled_at < 2.0
    assert working() == []


@needs_basic_pitch
def test_one_that_dies_is_a_sentence(tmp_path: Path) -> None:
    def kill(_: Progress) -> None:
        for child in multiprocessing.active_children():
            if child.name == NAME:
                child.kill()

    with pytest.raises(GenerationFailed, match="stopped unexpectedly"):
        hear({"bass": sound(tmp_path / "b.wav", 60.0)}, kill, CancelToken())


def test_without_its_packages_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcribing.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EngineUnavailable, match=r"needs basic_pitch and onnxruntime.*bootstrap\.py"):
        hear({"bass": tmp_path / "b.wav"}, ignore_progress, CancelToken())
    assert working() == []
