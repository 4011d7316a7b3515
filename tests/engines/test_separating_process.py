"""Separating in the engine process: progress, cancel, crashes, memory shared with what makes music."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fake_engine
import numpy as np
import pytest

from nur_studio.audio.files import Encoding, read_audio, write_audio
from nur_studio.core.errors import Cancelled, FileProblem, GenerationFailed
from nur_studio.core.mix import SIX_LANES, STEMS
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.engines.base import MusicTask
from nur_studio.engines.process import EngineProcess


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    process = EngineProcess(tmp_path_factory.mktemp("log") / "engine.log")
    yield process
    process.close()


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    sound = 0.2 * np.random.default_rng(0).standard_normal((44100, 2)).astype(np.float32)
    write_audio(tmp_path / "mix.flac", sound, 44100, Encoding("flac"))
    return tmp_path / "mix.flac"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.mark.parametrize("lanes", [STEMS, SIX_LANES])
def test_the_stems_are_there_and_sum(process: EngineProcess, mix: Path, folder: Path, lanes: tuple[str, ...]) -> None:
    seen: list[Progress] = []
    info = fake_engine.separator(f"fake {len(lanes)}", lanes=lanes)
    separated = process.separate(info, mix, folder, seen.append, CancelToken())
    assert separated.lanes == lanes
    assert separated.details["model"] == "fake 2"
    assert separated.seconds["total"] >= separated.seconds["separating"] > 0
    assert [p.fraction for p in seen] == sorted(p.fraction for p in seen)
    assert seen[-1].fraction == 1.0
    assert "separating" in {p.stage for p in seen}
    audio = read_audio(mix)[0].astype(np.float64)
    for division in {STEMS, lanes}:
        total = sum(read_audio(folder / "stems" / f"{lane}.flac")[0].astype(np.float64) for lane in division)
        assert np.array_equal(total, audio)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("sentence", "The fake is tired"),
        ("bug", "fault of its own"),
        ("memory", "not enough memory to separate"),
        ("kill", "stopped unexpectedly"),
        ("short", "fault of its own"),
        ("lanes", "fault of its own"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_the_next_works(
    process: EngineProcess, mix: Path, folder: Path, fault: str, words: str
) -> None:
    with pytest.raises(GenerationFailed, match=words):
        process.separate(fake_engine.separator(f"f {fault}", fault=fault), mix, folder, ignore_progress, CancelToken())
    assert not list(folder.rglob("*.flac"))
    assert process.separate(fake_engine.separator("good"), mix, folder, ignore_progress, CancelToken()).lanes == STEMS


def test_a_full_disk_is_told(process: EngineProcess, mix: Path, folder: Path) -> None:
    with pytest.raises(FileProblem, match="The disk is full"):
        process.separate(fake_engine.separator("full", fault="disk"), mix, folder, ignore_progress, CancelToken())


@pytest.mark.parametrize("deaf", [False, True])
def test_cancel_is_quick_also_where_it_is_not_looked_at(
    process: EngineProcess, mix: Path, folder: Path, deaf: bool
) -> None:
    token = CancelToken()
    begun = threading.Event()

    def tell(progress: Progress) -> None:
        if progress.stage == "separating":
            begun.set()

    info = fake_engine.separator(f"slow {deaf}", step_s=0.4 if not deaf else 5.0, deaf=deaf)
    stopped: list[float] = []

    def stop() -> None:
        assert begun.wait(20)
        stopped.append(time.perf_counter())
        token.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Cancelled):
        process.separate(info, mix, folder, tell, token)
    assert time.perf_counter() - stopped[0] < 3.0
    thread.join()


def test_engine_and_separator_give_way_to_each_other(process: EngineProcess, mix: Path, tmp_path: Path) -> None:
    """Both are heavy: only one holds its memory at a time."""
    heavy, apart = fake_engine.info("heavy", heavy=True), fake_engine.separator("heavy apart")
    task = MusicTask("x", 1.0, 120, 1, read_prompt("x"))
    told: list[object] = []
    for number in range(2):
        for name in ("made", "apart"):
            (tmp_path / f"{name}{number}").mkdir()
        made = process.make(heavy, task, tmp_path / f"made{number}", ignore_progress, lambda _: None, CancelToken())
        separated = process.separate(apart, mix, tmp_path / f"apart{number}", ignore_progress, CancelToken())
        told += [made.details["released"], separated.details["released"]]
    first = told[1]
    assert isinstance(first, int)
    assert told == [0, first, 1, first + 1]
