"""The bench on models of no size: all loops really run, and what is said of them is what was measured."""

from __future__ import annotations

import json
import statistics
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from nur_studio import cli, cli_bench
from nur_studio.core.errors import Cancelled, EngineUnavailable, StudioError
from nur_studio.core.logs import stop_log
from nur_studio.core.progress import CancelToken, Progress, ignore_progress
from nur_studio.engines.models import MusicModel, music_model
from nur_studio.engines.musicgen import bench as benching
from nur_studio.engines.musicgen.bench import Table, bench, step_bytes
from nur_studio.engines.musicgen.bench_weights import BenchWeights
from nur_studio.engines.musicgen.peers import AudiocraftLoop, Paused, Tick, TransformersLoop
from nur_studio.engines.musicgen.probe import facts_of, per_minute_s

CPU = torch.device("cpu")


def tiny(name: str) -> MusicModel:
    return replace(music_model(name), dim=64, heads=4, layers=2, parameters=1_000_000)


Measured = Callable[..., list[Table]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> BenchWeights:
    return BenchWeights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def measured(weights: BenchWeights) -> Measured:
    def measure(name: str = "musicgen-small", peers: bool = True, **changes: Any) -> list[Table]:
        how: dict[str, Any] = {"quick": True, "on_progress": ignore_progress, "cancel": CancelToken(), **changes}
        return list(bench(tiny(name), weights, "cpu", [1], how["quick"], peers, how["on_progress"], how["cancel"]))

    return measure


@pytest.fixture(autouse=True)
def little_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benching, "_READ_BYTES", 1 << 20)
    monkeypatch.setattr(benching, "_SETTLE_S", 0.0)


def test_all_loops_take_turns_and_are_told_apart(measured: Measured, weights: BenchWeights) -> None:
    told: list[Progress] = []
    (table,) = measured(on_progress=told.append)
    names = [row.name for row in table.rows]
    assert names[0] == "ours"
    assert [name.split()[0] for name in names[-2:]] == ["audiocraft", "transformers"]
    assert [row.precision for row in table.rows[-2:]] == ["fp32", "fp32"]
    for row in table.rows:
        assert 0 < row.best_ms <= row.low_ms <= row.median_ms <= row.high_ms
        assert (row.bytes > 0) == row.name.startswith("ours")
    assert 0 < table.read_gb_s <= table.best_read_gb_s
    assert table.floor_ms(table.rows[0]) >= table.best_floor_ms(table.rows[0]) > 0
    assert table.per_minute_s == per_minute_s(table.rows[0].median_ms / 1000)
    assert (table.whole, table.remarks) == (False, ())
    path = weights.path(tiny("musicgen-small"))
    assert (table.weights, table.weights_bytes) == (str(path), path.stat().st_size)
    fractions = [progress.fraction for progress in told if progress.stage == "measuring"]
    assert fractions == sorted(fractions)


def test_a_whole_length_has_every_step(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    row = benching._row
    monkeypatch.setattr(benching, "_row", lambda *a: (counted.append(len(a[2])), row(*a))[1])
    (table,) = measured(quick=False)
    assert table.whole
    assert counted == [48] * len(table.rows)


def test_melody_models_have_one_peer_and_say_so(measured: Measured) -> None:
    (table,) = measured("musicgen-melody")
    assert [row.name.split()[0] for row in table.rows][-1] == "audiocraft"
    assert "transformers' melody" in table.remarks[0]


def test_without_the_peers_it_is_ours_alone(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> None:
        raise EngineUnavailable("MusicGen needs the package audiocraft, which is not installed.")

    monkeypatch.setattr(benching, "AudiocraftLoop", absent)
    monkeypatch.setattr(benching, "TransformersLoop", absent)
    (table,) = measured()
    assert all(row.name.startswith("ours") for row in table.rows)
    assert len(table.remarks) == 2
    (alone,) = measured(peers=False)
    assert alone.remarks == ()


def test_what_does_not_fit_is_said_before_it_is_made(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benching, "free_bytes", lambda _: 3_000_000)
    (table,) = measured()
    assert [sentence.split()[0] for sentence in table.remarks] == ["audiocraft", "transformers"]
    monkeypatch.setattr(benching, "free_bytes", lambda _: 1_000)
    with pytest.raises(StudioError, match="does not fit"):
        measured()


def test_what_all_caches_will_take_is_kept_free(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of one more loop would fit, and the machine would be out of memory once all of them decode."""
    monkeypatch.setattr(benching, "cache_bytes", lambda *_: 1_000_000)
    monkeypatch.setattr(benching, "free_bytes", lambda _: 8_500_000)
    (table,) = measured()
    assert [sentence.split()[0] for sentence in table.remarks] == ["transformers"]
    assert table.rows[-1].name.startswith("audiocraft")


def test_cancel_ends_it_and_leaves_no_loop_behind(measured: Measured) -> None:
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.fraction > 0.3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        measured(on_progress=stop, cancel=cancel)


@pytest.mark.parametrize("loop", [AudiocraftLoop, TransformersLoop])
def test_a_peer_decodes_a_step_for_each_frame_and_delay(loop: Any) -> None:
    info = tiny("musicgen-stereo-small")
    facts = facts_of(info, 2)
    for prompt in (0, 7):
        running = loop(info, facts, CPU).start(prompt, 20)
        for _ in range(20 - prompt + max(facts.delays) - 1):
            running.step()
        running.step()
        running.close()


def test_a_loop_that_breaks_says_so_and_one_that_is_over_too() -> None:
    def breaks(tick: Tick) -> None:
        tick()
        raise ValueError("broken")

    running = Paused(breaks)
    running.step()
    with pytest.raises(ValueError, match="broken"):
        running.step()
    running.close()
    with pytest.raises(RuntimeError, match="over"):
        running.step()


def test_a_halted_loop_shares_its_callers_thread() -> None:
    """A thread of its own would cost all loops a third of their speed: see `Paused`."""
    seen: list[int] = []

    def twice(tick: Tick) -> None:
        for _ in range(2):
            seen.append(threading.get_ident())
            tick()

    running = Paused(twice)
    running.step()
    assert seen == [threading.get_ident()]
    running.close()
    assert len(seen) == 1
    never_begun = Paused(twice)
    never_begun.close()
    assert len(seen) == 1


def test_what_a_step_reads_is_what_its_products_hold() -> None:
    facts = facts_of(music_model("musicgen-small"), 24)
    weights = 24 * (14 * 1024**2) + 4 * 2048 * 1024
    assert step_bytes(facts, "fp32", 0, 4) == 4 * weights
    assert step_bytes(facts, "fp16", 0, 4) == 2 * weights
    assert step_bytes(facts, "fp16", 10, 4) - step_bytes(facts, "fp16", 0, 4) == 10 * 24 * 2 * 2 * 1024 * 4
    assert step_bytes(facts, "int8", 0, 1) == 1.125 * (weights + 4 * 2048 * 1024)
    assert step_bytes(facts, "int8", 8, 1.125) - step_bytes(facts, "int8", 0, 1) == 9 * 24 * 2 * 2 * 1024


def test_the_command_prints_a_table_and_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NUR_STUDIO_HOME", str(tmp_path))
    monkeypatch.setattr(cli_bench, "music_model", tiny)
    asked = ["bench", "--alone", "--quick", "--quiet", "--seconds", "1", "2", "--model", "musicgen-small"]
    assert cli.main(asked) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if line.startswith("MusicGen small on CPU")] == [out[0], out[len(out) // 2]]
    assert any(line.startswith("memory read beside them") for line in out)
    assert "--forget" in out[-1]
    assert str(tmp_path) in out[-1]
    assert cli.main([*asked, "--json"]) == 0
    tables = json.loads(capsys.readouterr().out)
    assert [table["seconds"] for table in tables] == [1, 2]
    row = tables[0]["rows"][0]
    assert row["ratio_to_ours"] == 1.0
    assert row["times_real"] == pytest.approx(20 / row["median_ms"])
    assert statistics.median([row["low_ms"], row["median_ms"], row["high_ms"]]) == row["median_ms"]
    assert cli.main(["bench", "--forget", "--json"]) == 0
    forgotten = json.loads(capsys.readouterr().out)
    assert forgotten["deleted_bytes"] == tables[0]["weights_bytes"]
    assert not list(Path(forgotten["folder"]).iterdir())
    assert cli.main(["bench", "--forget"]) == 0
    assert capsys.readouterr().out.startswith("There are no random weights in ")
    assert cli.main(["bench", "--seconds", "31"]) == 2
    assert cli.main(["bench", "--model", "large?"]) == 2
    stop_log()
