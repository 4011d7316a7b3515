"""The engine process with a fake engine in it: audio through files, cancel, crashes, and that the next take works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import fake_engine
import mido
import numpy as np
import psutil
import pytest

from nur_studio.audio.files import read_audio
from nur_studio.audio.masters import mix_path, peaks_path, score_path, stem_path, waveform_path
from nur_studio.core.errors import Cancelled, EngineUnavailable, FileProblem, GenerationFailed, StudioError
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.core.prompt import PromptReading
from nur_studio.engines import workshop
from nur_studio.engines.base import EngineInfo, MusicTask
from nur_studio.engines.messages import CODES_NAME, Make, TakeEnded, Wanted
from nur_studio.engines.process import KILL_AFTER_S, Chunk, EngineProcess, Made

READING = PromptReading("lo-fi", True, 120, True, (70, 90))


def task(duration_s: float = 5.0, seed: int = 1) -> MusicTask:
    return MusicTask("clicks", duration_s, 120, seed, READING)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """One process for all tests: each of them proves that the one before left it usable."""
    process = EngineProcess(tmp_path_factory.mktemp("log") / "engine.log")
    yield process
    process.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "staging"
    path.mkdir()
    return path


def make(process: EngineProcess, engine: EngineInfo, folder: Path, seed: int = 1) -> Made:
    return process.make(engine, task(seed=seed), folder, ignore_progress, lambda _: None, CancelToken())


def test_a_take_arrives_as_files_and_facts(shared: EngineProcess, folder: Path) -> None:
    made = make(shared, fake_engine.info(), folder)
    expected = fake_engine.music(task())
    assert made.masters.frames == 5 * 44100
    assert set(made.masters.stems) == set(STEMS)
    assert made.masters.tempo_measured == pytest.approx(120, abs=0.5)
    assert (made.tempo, made.key, made.beats_per_bar) == (120, "A minor", 4)
    assert made.details["model"] == "fake 1"
    assert made.seconds["total"] >= made.seconds["generating"] > 0
    for stem in STEMS:
        audio, rate = read_audio(stem_path(folder, stem))
        assert rate == 44100
        np.testing.assert_allclose(audio, expected[stem], atol=2**-22)
    assert {path.name for path in folder.iterdir()} == {
        mix_path(folder).name, "stems", waveform_path(folder).name, peaks_path(folder).name,
    }  # fmt: skip


def test_notes_that_were_written_lie_beside_the_masters(shared: EngineProcess, folder: Path) -> None:
    make(shared, fake_engine.info("writing", sheet=True), folder)
    (_, bass) = mido.MidiFile(score_path(folder)).tracks
    assert bass.name == "Bass"
    assert [(m.type, m.note, m.time) for m in bass if "note" in m.type] == [
        ("note_on", 40, 1440),
        ("note_off", 40, 960),
    ]


def test_the_child_stays_warm(shared: EngineProcess, folder: Path, tmp_path: Path) -> None:
    first = make(shared, fake_engine.info(), folder)
    (tmp_path / "second").mkdir()
    second = make(shared, fake_engine.info(), tmp_path / "second")
    assert second.details["pid"] == first.details["pid"] == shared.pid
    assert second.details["made"] == int(str(first.details["made"])) + 1


def test_progress_never_falls_and_ends_at_one(shared: EngineProcess, folder: Path) -> None:
    seen: list[Progress] = []
    shared.make(fake_engine.info("slow", step_s=0.2), task(), folder, seen.append, lambda _: None, CancelToken())
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert "pretending" in {progress.stage for progress in seen}
    assert any(progress.eta_s is not None and progress.eta_s > 0 for progress in seen)


def test_the_preview_grows_while_the_take_is_made(shared: EngineProcess, folder: Path) -> None:
    heard: list[np.ndarray] = []
    expected = sum(fake_engine.music(task()).values())

    def listen(chunk: Chunk) -> None:
        raw = np.fromfile(chunk.path, np.float32, chunk.frames * 2)
        assert raw.size == chunk.frames * 2, "the file holds less than was said"
        heard.append(raw.reshape(-1, 2))

    shared.make(fake_engine.info("slow", step_s=0.2), task(), folder, ignore_progress, listen, CancelToken())
    assert len(heard) == fake_engine.STEPS
    assert [len(h) for h in heard] == sorted({len(h) for h in heard})
    np.testing.assert_array_equal(heard[-1], expected)


def test_what_is_made_again_is_heard_again(shared: EngineProcess, folder: Path) -> None:
    """A chunk that is taken back and made anew: the file says less, then holds what is played in its place."""
    told: list[int] = []
    last: list[np.ndarray] = []

    def listen(chunk: Chunk) -> None:
        told.append(chunk.frames)
        last[:] = [np.fromfile(chunk.path, np.float32, chunk.frames * 2).reshape(-1, 2)]

    engine = fake_engine.info("wavering", rewinds=True, step_s=0.1)
    shared.make(engine, task(), folder, ignore_progress, listen, CancelToken())
    falls = [(before, after) for before, after in pairwise(told) if after < before]
    assert falls == [(3 * 44100, 2 * 44100)]
    np.testing.assert_array_equal(last[0], sum(fake_engine.music(task()).values()))


TOGETHER = fake_engine.info("together", can=("together",))


class Takes:
    """Three takes made with one order: how each ended, in which order, and what was heard of it."""

    def __init__(
        self,
        process: EngineProcess,
        engine: EngineInfo,
        folder: Path,
        cancel: CancelToken | None = None,
        on_heard: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.wanted = [Wanted(task(seed=seed), folder / str(seed)) for seed in (1, 2, 3)]
        for wanted in self.wanted:
            wanted.folder.mkdir()
        self.ended: dict[int, Made | StudioError | Cancelled] = {}
        self.heard: dict[int, np.ndarray] = {}
        self.seen: list[Progress] = []
        self._on_heard = on_heard
        process.make_together(
            engine, self.wanted, self.seen.append, self._on_chunk, self._on_ended, cancel or CancelToken()
        )

    def _on_chunk(self, number: int, chunk: Chunk) -> None:
        assert number not in self.ended
        assert chunk.path.parent == self.wanted[number].folder
        self.heard[number] = np.fromfile(chunk.path, np.float32, chunk.frames * 2).reshape(-1, 2)
        self._on_heard(number)

    def _on_ended(self, number: int, outcome: Made | StudioError | Cancelled) -> None:
        assert number not in self.ended
        self.ended[number] = outcome

    def assert_whole(self, *numbers: int) -> None:
        for number in numbers:
            made, wanted = self.ended[number], self.wanted[number]
            assert isinstance(made, Made)
            mix, _ = read_audio(mix_path(wanted.folder))
            np.testing.assert_allclose(mix, sum(fake_engine.music(wanted.task).values()), atol=2**-20)
            assert not (wanted.folder / "preview.f32").exists()


@pytest.mark.parametrize("engine", [TOGETHER, fake_engine.info("one-by-one")], ids=lambda engine: str(engine.name))
def test_several_takes_are_one_order(shared: EngineProcess, folder: Path, engine: EngineInfo) -> None:
    takes = Takes(shared, engine, folder)
    takes.assert_whole(0, 1, 2)
    for number, wanted in enumerate(takes.wanted):
        np.testing.assert_array_equal(takes.heard[number], sum(fake_engine.music(wanted.task).values()))
    fractions = [progress.fraction for progress in takes.seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len({fraction for fraction in fractions if 0.1 < fraction < 0.9}) >= 4, "of the whole, not of each take"


def test_one_failing_take_does_not_lose_the_others(shared: EngineProcess, folder: Path) -> None:
    for name, can in (("tired-together", ("together",)), ("tired", ())):
        (folder / name).mkdir()
        options: dict[str, Any] = {"fault_seed": 2} if can else {}
        engine = fake_engine.info(name, can=can, fault="sentence", **options)
        takes = Takes(shared, engine, folder / name)
        for number in (1,) if can else (0, 1, 2):
            assert str(takes.ended[number]) == "The fake is tired. Let it sleep."
        if can:
            takes.assert_whole(0, 2)
            assert next(iter(takes.ended)) == 1, "told when it happens"


def test_a_crash_loses_only_what_had_not_ended(shared: EngineProcess, folder: Path) -> None:
    ended: list[int] = []
    engine = fake_engine.info("mortal", can=("together",), fault="kill", fault_seed=2)
    with pytest.raises(GenerationFailed, match="killed by signal 9"):
        Takes(shared, engine, folder, on_heard=ended.append)
    assert set(ended) == {0, 1, 2}
    (folder / "again").mkdir()
    Takes(shared, TOGETHER, folder / "again").assert_whole(0, 1, 2)


def test_enough_and_cancel_are_for_all_takes(shared: EngineProcess, folder: Path) -> None:
    cancel = CancelToken()
    (folder / "kept").mkdir()
    keeping = fake_engine.info("keeping-together", can=("together",), keeps=True, step_s=0.2)
    takes = Takes(shared, keeping, folder / "kept", cancel, lambda _: cancel.keep())
    for made in takes.ended.values():
        assert isinstance(made, Made)
        assert 0 < made.masters.frames < 5 * 44100
    cancel = CancelToken()
    (folder / "queued").mkdir()
    takes = Takes(shared, fake_engine.info("plain", step_s=0.1), folder / "queued", cancel, lambda _: cancel.keep())
    assert isinstance(takes.ended[0], Made)
    assert isinstance(takes.ended[1], Cancelled), "not begun"
    cancel = CancelToken()
    (folder / "cancelled").mkdir()
    slow = fake_engine.info("slow-together", can=("together",), step_s=0.2)
    with pytest.raises(Cancelled):
        Takes(shared, slow, folder / "cancelled", cancel, lambda _: cancel.cancel())


def test_enough_is_enough_where_an_engine_can(shared: EngineProcess, folder: Path, tmp_path: Path) -> None:
    def end_early(engine: EngineInfo, into: Path) -> Made:
        cancel = CancelToken()

        def keep(chunk: Chunk) -> None:
            if chunk.frames >= 2 * 44100:
                cancel.keep()

        return shared.make(engine, task(), into, ignore_progress, keep, cancel)

    made = end_early(fake_engine.info("keeping", keeps=True, step_s=0.2), folder)
    assert 2 * 44100 <= made.masters.frames < 5 * 44100
    assert made.note == "It was ended early."
    kept, _ = read_audio(stem_path(folder, "drums"))
    np.testing.assert_allclose(kept, fake_engine.music(task())["drums"][: len(kept)], atol=2**-22)
    (tmp_path / "whole").mkdir()
    assert end_early(fake_engine.info("slow", step_s=0.1), tmp_path / "whole").masters.frames == 5 * 44100


def test_codes_are_kept_with_the_take(shared: EngineProcess, folder: Path) -> None:
    from nur_studio.engines.musicgen.references import read_codes

    make(shared, fake_engine.info("coded", codes=True), folder)
    kept = read_codes(folder / CODES_NAME)
    np.testing.assert_array_equal(kept.codes, np.arange(8).reshape(2, 4))


def test_one_heavy_engine_at_a_time_and_none_that_is_released(tmp_path: Path) -> None:
    process = EngineProcess(tmp_path / "engine.log")

    def released(engine: EngineInfo) -> object:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        return make(process, engine, folder).details["released"]

    one, two = fake_engine.info("one", heavy=True), fake_engine.info("two", heavy=True)
    try:
        process.release("one", CancelToken())
        assert process.pid is None, "nothing is started to release nothing"
        assert released(one) == 0
        assert released(one) == 0
        make(process, fake_engine.info(), tmp_path)
        assert released(one) == 0, "a light engine leaves it where it is"
        assert released(two) == 1
        assert released(one) == 2
        process.release("one", CancelToken())
        process.release("nobody", CancelToken())
        assert released(two) == 3
        assert released(replace(two, options={"deaf": True})) == 4, "with other options it is another one"
    finally:
        process.close()


class Notes:
    """A connection that only listens."""

    def __init__(self) -> None:
        self.messages: list[object] = []

    def send(self, message: object) -> None:
        self.messages.append(message)


def test_memory_is_given_back_when_idle_or_scarce(tmp_path: Path) -> None:
    notes = Notes()
    shop = workshop.Workshop(notes, CancelToken(), tmp_path / "log")  # type: ignore[arg-type]

    def holds() -> bool:
        return shop.holds_memory

    assert not holds()
    shop.carry_out(Make(fake_engine.info("light"), (Wanted(task(), tmp_path),)))
    assert not holds()

    def loaded() -> None:
        shop.carry_out(Make(fake_engine.info("heavy", heavy=True), (Wanted(task(), tmp_path),)))
        assert holds()

    loaded()
    shop.spare(workshop.SCARCE_RELEASE_S - 1, 0.0)
    assert holds(), "between two takes nothing is unloaded"
    shop.spare(workshop.IDLE_RELEASE_S - 1, 0.5)
    assert holds()
    shop.spare(workshop.SCARCE_RELEASE_S, 0.05)
    assert not holds()
    loaded()
    shop.spare(workshop.IDLE_RELEASE_S, 0.9)
    assert not holds()
    loaded()
    shop.carry_out(Make(fake_engine.info("heavy2", heavy=True, fault="memory"), (Wanted(task(), tmp_path),)))
    ended = [message for message in notes.messages if isinstance(message, TakeEnded)][-1]
    assert isinstance(ended.outcome, GenerationFailed)
    assert not holds(), "what ran out of memory holds none of it"


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("exit", GenerationFailed, r"stopped unexpectedly \(exit code 7\)"),
        ("kill", GenerationFailed, r"killed by signal 9, SIGKILL"),
        ("memory", GenerationFailed, r"not enough memory for 5 s"),
        ("mapping", GenerationFailed, r"not enough memory for 5 s"),
        ("sentence", GenerationFailed, r"^The fake is tired\. Let it sleep\.$"),
        ("bug", GenerationFailed, r"fault of its own \(ZeroDivisionError: an honest mistake\)"),
        ("disk", FileProblem, r"The disk is full"),
        ("shape", GenerationFailed, r"has shape"),
        ("nan", GenerationFailed, r"samples that are no numbers"),
    ],
)
def test_every_fault_is_one_sentence_and_the_next_take_works(
    shared: EngineProcess, folder: Path, tmp_path: Path, fault: str, kind: type[StudioError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        make(shared, fake_engine.info(f"bad-{fault}", fault=fault), folder)
    (tmp_path / "next").mkdir()
    assert make(shared, fake_engine.info(), tmp_path / "next").masters.frames == 5 * 44100


def test_a_bug_leaves_its_traceback_in_the_log(shared: EngineProcess, folder: Path) -> None:
    with pytest.raises(GenerationFailed, match=r"engine\.log"):
        make(shared, fake_engine.info("bad-bug", fault="bug"), folder)
    text = shared.log_file.read_text("utf-8")
    assert "Traceback" in text
    assert "an honest mistake" in text


def test_an_engine_that_cannot_be_imported(shared: EngineProcess, folder: Path) -> None:
    nowhere = EngineInfo("nowhere", "Nowhere", "", "", factory="no_such_module:engine")
    with pytest.raises(EngineUnavailable, match=r"Nowhere cannot be loaded: No module named 'no_such_module'"):
        make(shared, nowhere, folder)


def test_what_an_engine_prints_goes_to_the_log(
    shared: EngineProcess, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    make(shared, fake_engine.info("loud", fault="print"), folder)
    assert capfd.readouterr().out == ""
    assert "noise on standard output" in shared.log_file.read_text("utf-8")


def test_cancel_is_quick_and_keeps_the_child(shared: EngineProcess, folder: Path, tmp_path: Path) -> None:
    before = make(shared, fake_engine.info(), folder).details["pid"]
    (tmp_path / "cancelled").mkdir()
    cancel = CancelToken()
    began: list[float] = []

    def stop(progress: Progress) -> None:
        if progress.stage == "pretending" and not began:
            began.append(time.monotonic())
            cancel.cancel()

    with pytest.raises(Cancelled):
        shared.make(fake_engine.info("slow", step_s=0.1), task(), tmp_path / "cancelled", stop, lambda _: None, cancel)
    assert time.monotonic() - began[0] < KILL_AFTER_S
    assert shared.pid == before


def test_a_deaf_engine_is_killed_after_a_second(shared: EngineProcess, folder: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    began: list[float] = []

    def stop(progress: Progress) -> None:
        if progress.stage == "pretending" and not began:
            began.append(time.monotonic())
            cancel.cancel()

    with pytest.raises(Cancelled):
        shared.make(fake_engine.info("deaf", step_s=20.0, deaf=True), task(), folder, stop, lambda _: None, cancel)
    assert KILL_AFTER_S <= time.monotonic() - began[0] < KILL_AFTER_S + 1.5
    assert shared.pid is None
    (tmp_path / "next").mkdir()
    assert make(shared, fake_engine.info(), tmp_path / "next").masters.frames == 5 * 44100


def test_killed_from_outside_in_mid_generation(shared: EngineProcess, folder: Path, tmp_path: Path) -> None:
    def strike(progress: Progress) -> None:
        if progress.stage == "pretending" and shared.pid:
            os.kill(shared.pid, signal.SIGKILL)

    with pytest.raises(GenerationFailed, match="SIGKILL"):
        shared.make(fake_engine.info("slow", step_s=0.5), task(), folder, strike, lambda _: None, CancelToken())
    (tmp_path / "next").mkdir()
    assert make(shared, fake_engine.info(), tmp_path / "next").masters.frames == 5 * 44100


def test_a_shutdown_that_ends_the_child_first_is_a_cancel(shared: EngineProcess, folder: Path, tmp_path: Path) -> None:
    class Shutdown(CancelToken):
        begun = False

        def check(self) -> None:
            super().check()
            if self.begun:  # the signal reaches the child now, and us only after this look
                assert shared.pid is not None
                os.kill(shared.pid, signal.SIGTERM)
                self.cancel()

    cancel = Shutdown()

    def begin(_: Chunk) -> None:
        cancel.begun = True

    with pytest.raises(Cancelled):
        shared.make(fake_engine.info(step_s=0.5), task(), folder, ignore_progress, begin, cancel)
    (tmp_path / "next").mkdir()
    make(shared, fake_engine.info(), tmp_path / "next")


def test_a_folder_removed_meanwhile_is_a_sentence(shared: EngineProcess, folder: Path) -> None:
    folder.rmdir()
    with pytest.raises(FileProblem, match="was removed while the take was being made"):
        make(shared, fake_engine.info(), folder)


def test_killed_while_idle_goes_unnoticed(shared: EngineProcess, folder: Path, tmp_path: Path) -> None:
    make(shared, fake_engine.info(), folder)
    assert shared.pid is not None
    os.kill(shared.pid, signal.SIGKILL)
    (tmp_path / "next").mkdir()
    assert make(shared, fake_engine.info(), tmp_path / "next").masters.frames == 5 * 44100


def test_a_fault_in_the_callback_comes_through_and_leaves_the_process_usable(
    shared: EngineProcess, folder: Path, tmp_path: Path
) -> None:
    def break_down(_: Progress) -> None:
        raise KeyError("callback")

    with pytest.raises(KeyError):
        shared.make(fake_engine.info("slow", step_s=0.1), task(), folder, break_down, lambda _: None, CancelToken())
    assert not shared.busy
    (tmp_path / "next").mkdir()
    assert make(shared, fake_engine.info(), tmp_path / "next").masters.frames == 5 * 44100


def test_two_threads_take_turns(shared: EngineProcess, tmp_path: Path) -> None:
    results: dict[int, Made] = {}

    def work(seed: int) -> None:
        (tmp_path / str(seed)).mkdir()
        results[seed] = make(shared, fake_engine.info("slow", step_s=0.05), tmp_path / str(seed), seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in (1, 2):
        audio, _ = read_audio(stem_path(tmp_path / str(seed), "bass"))
        np.testing.assert_allclose(audio, fake_engine.music(task(seed=seed))["bass"], atol=2**-22)
    assert results[1].details["pid"] == results[2].details["pid"]


def test_cancel_while_waiting_for_a_turn(shared: EngineProcess, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "waiting").mkdir()
    cancel = CancelToken()
    cancel.cancel()
    started = threading.Event()
    thread = threading.Thread(
        target=lambda: shared.make(
            fake_engine.info("slow", step_s=0.2), task(), folder, lambda _: started.set(), lambda _: None, CancelToken()
        )
    )
    thread.start()
    assert started.wait(20)
    with pytest.raises(Cancelled):
        shared.make(fake_engine.info(), task(), tmp_path / "waiting", ignore_progress, lambda _: None, cancel)
    thread.join()
    assert (folder / "mix.flac").exists(), "the take that was being made was not disturbed"


def test_warm_returns_at_once_and_the_take_after_it_loads_nothing(tmp_path: Path, folder: Path) -> None:
    process = EngineProcess(tmp_path / "engine.log")
    try:
        started = time.perf_counter()
        process.warm(fake_engine.info())
        assert time.perf_counter() - started < 0.5
        assert process.pid is not None
        assert not process.busy
        pid = process.pid
        assert make(process, fake_engine.info(), folder).details["pid"] == pid
    finally:
        process.close()
    assert not psutil.pid_exists(pid)


def test_close_cancels_what_runs(tmp_path: Path, folder: Path) -> None:
    process = EngineProcess(tmp_path / "engine.log")
    running = threading.Event()
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            process.make(
                fake_engine.info("slow", step_s=5.0, deaf=True), task(), folder,
                lambda _: running.set(), lambda _: None, CancelToken(),
            )  # fmt: skip
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert running.wait(20)
    process.close()
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(outcome[0], Cancelled)
    assert process.pid is None


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            from pathlib import Path
            sys.path.insert(0, {str(Path(fake_engine.__file__).parent)!r})
            import fake_engine
            from nur_studio.core.progress import CancelToken
            from nur_studio.core.prompt import PromptReading
            from nur_studio.engines.base import MusicTask
            from nur_studio.engines.process import EngineProcess

            if __name__ == "__main__":
                process = EngineProcess(Path({str(tmp_path)!r}) / "engine.log")
                folder = Path({str(tmp_path)!r}) / "folder"
                folder.mkdir()
                reading = PromptReading("lo-fi", True, 120, True, (70, 90))
                process.make(
                    fake_engine.info(step_s=30.0, deaf=True), MusicTask("x", 5.0, 120, 1, reading), folder,
                    lambda _: print(process.pid, flush=True), lambda _: None, CancelToken(),
                )
            """
        )
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
        child.wait(timeout=5)
