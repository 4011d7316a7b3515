"""Models through the studio: what is there of each, checking, removing, importing, forecasts kept."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import fake_engine
import pytest
from planted_models import plant

from nur_studio.core.errors import Cancelled, FileProblem, StudioError, UnknownEngine
from nur_studio.core.paths import Directories
from nur_studio.core.progress import Cancel, CancelToken, Progress
from nur_studio.core.request import GenerationRequest
from nur_studio.engines.base import Forecast
from nur_studio.engines.models import ALL_MODELS, CODEC, TEXT_ENCODER, model
from nur_studio.engines.process import Chunk, EngineProcess
from nur_studio.studio import ModelState, Studio

SMALL, MEDIUM = "musicgen-small", "musicgen-medium"


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with Studio(Directories.below(tmp_path)) as opened:
        yield opened


def state(studio: Studio, name: str = SMALL) -> ModelState:
    return next(each for each in studio.models() if each.info.name == name)


def test_a_model_is_missing_partial_and_ready(studio: Studio) -> None:
    states = studio.models()
    assert [each.info for each in states] == list(ALL_MODELS)
    assert {each.state for each in states} == {"missing"}
    assert state(studio).missing_bytes == model(SMALL).download_bytes
    assert "not on this machine" in state(studio).why_not
    assert studio.default_engine() == "sketch"

    plant(studio.directories.models, model(SMALL))
    assert (state(studio).state, state(studio).missing_bytes, state(studio).why_not) == ("ready", 0, "")
    assert state(studio).disk_bytes > 0
    assert studio.default_engine() == SMALL
    assert state(studio, MEDIUM).missing_bytes == model(MEDIUM).own.bytes, "what they share is there"

    (studio.directories.models / CODEC.name / "config.json").unlink()
    assert state(studio).state == "partial"
    assert studio.default_engine() == "sketch"


def test_models_may_not_be_sold(studio: Studio) -> None:
    plant(studio.directories.models, model(SMALL))
    assert "CC BY-NC 4.0" in next(info.licence for info in studio.engines() if info.name == SMALL)
    studio.update_settings(sellable_only=True)
    assert [info.name for info in studio.engines()] == ["sketch"]
    assert studio.default_engine() == "sketch"
    with pytest.raises(StudioError, match="may not be sold"):
        studio.submit(GenerationRequest("lo-fi", engine=SMALL))


def test_device_and_precision_of_the_settings_reach_the_engines(studio: Studio) -> None:
    studio.update_settings(device="cpu", precision="fast")
    options = next(info.options for info in studio.engines() if info.name == SMALL)
    assert options == {
        "model": options["model"],
        "folder": str(studio.directories.models),
        "device": "cpu",
        "precision": "fast",
    }


def test_verifying_names_the_file_that_differs(studio: Studio) -> None:
    plant(studio.directories.models, model(SMALL))
    seen: list[Progress] = []
    studio.verify_model(SMALL, seen.append)
    assert seen[-1].fraction == 1.0
    file = studio.directories.models / TEXT_ENCODER.name / "spiece.model"
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)
    with pytest.raises(FileProblem, match=r"spiece\.model"):
        studio.verify_model(SMALL)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        studio.verify_model(SMALL, cancel=cancel)


def test_removing_leaves_what_others_need(studio: Studio) -> None:
    models = studio.directories.models
    plant(models, model(SMALL))
    plant(models, model(MEDIUM))
    before = sum(path.stat().st_size for path in models.rglob("*") if path.is_file())
    freed = studio.remove_model("small")
    assert (state(studio).state, state(studio, MEDIUM).state) == ("missing", "ready")
    assert freed == before - sum(path.stat().st_size for path in models.rglob("*") if path.is_file())
    studio.remove_model(MEDIUM)
    assert list(models.iterdir()) == []
    with pytest.raises(UnknownEngine, match="no model 'huge'"):
        studio.remove_model("huge")


def test_a_model_in_use_is_given_back_before_it_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = fake_engine.info(SMALL, heavy=True)
    steps: list[str] = []
    release = EngineProcess.release

    def noted(self: EngineProcess, name: str, cancel: Cancel) -> None:
        assert (opened.directories.models / SMALL).exists(), "its files are still there"
        release(self, name, cancel)
        steps.append(name)

    monkeypatch.setattr(EngineProcess, "release", noted)
    with Studio(Directories.below(tmp_path), engines=lambda: (heavy,)) as opened:
        plant(opened.directories.models, model(SMALL))
        (first,) = opened.generate(GenerationRequest("lo-fi", 5))
        opened.remove_model(SMALL)
        (second,) = opened.generate(GenerationRequest("lo-fi", 5))
    assert steps == [SMALL]
    assert [track.recipe["details"]["released"] for track in (first, second)] == [0, 1]


def test_nothing_to_import_is_a_sentence(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    with pytest.raises(StudioError):
        studio.import_models(tmp_path / "stick")
    assert {each.state for each in studio.models()} == {"missing"}


# -- forecasts ---------------------------------------------------------------------------------------------------


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was measured; measuring itself takes no time."""
    asked: list[tuple[str, str]] = []

    def measure(_: EngineProcess, name: str, device: str, cancel: Cancel, *, precision: str) -> Forecast:
        cancel.check()
        asked.append((name, f"{device} {precision}"))
        return Forecast(name, device.upper(), "fp32", True, 3_000_000_000, 90.0 + len(asked))

    monkeypatch.setattr(EngineProcess, "forecast", measure)
    return asked


def test_a_forecast_is_measured_once_for_each_device_and_precision(
    studio: Studio, tmp_path: Path, measured: list[tuple[str, str]]
) -> None:
    first = studio.forecast("small")
    assert studio.forecast(SMALL) == first
    studio.update_settings(device="cpu")
    assert studio.forecast(SMALL) != first
    with Studio(Directories.below(tmp_path)) as later:
        later.update_settings(device="auto")
        assert later.forecast(SMALL) == first
        later.update_settings(precision="fast")
        assert later.forecast(SMALL) != first
    assert measured == [(SMALL, "auto auto"), (SMALL, "cpu auto"), (SMALL, "auto fast")]


def test_a_forecast_of_other_circumstances_is_measured_anew(studio: Studio, measured: list[tuple[str, str]]) -> None:
    studio.forecast(SMALL)
    file = studio.directories.cache / "forecasts.json"
    stored = json.loads(file.read_text("utf-8"))
    stored[f"{SMALL} auto auto"]["circumstances"]["torch"] = "1.0"
    file.write_text(json.dumps(stored))
    studio.forecast(SMALL)
    assert len(measured) == 2
    stored = json.loads(file.read_text("utf-8"))
    stored[f"{SMALL} auto auto"]["forecast"] = {"speed": "good"}
    file.write_text(json.dumps(stored))
    assert studio.forecast(SMALL).model == SMALL
    file.write_text("[damaged")
    assert asdict(studio.forecast(SMALL))["seconds_per_minute"] == 94.0
    assert len(measured) == 4


def test_nothing_is_measured_beside_a_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for the take under way, and one that began meanwhile spoils what was measured."""
    takes = [threading.Event(), threading.Event()]
    start_second, seen_waiting = threading.Event(), threading.Event()
    tries: list[int] = []

    class Watched(CancelToken):
        def check(self) -> None:
            super().check()
            seen_waiting.set()

    def measure(_: EngineProcess, name: str, device: str, cancel: Cancel, *, precision: str) -> Forecast:
        assert not opened._process.busy
        tries.append(len(tries))
        if len(tries) == 1:
            seen_waiting.clear()
            start_second.set()
            assert takes[1].wait(20)
        return Forecast(name, device, "fp32", True, 1, float(len(tries)))

    def make_take(number: int) -> None:
        def hold(_: Chunk) -> None:
            takes[number].set()
            assert seen_waiting.wait(20)

        opened.generate(GenerationRequest("lo-fi", 5), on_chunk=hold)

    def two_takes() -> None:
        make_take(0)
        assert start_second.wait(20)
        make_take(1)

    monkeypatch.setattr(EngineProcess, "forecast", measure)
    with Studio(Directories.below(tmp_path), engines=lambda: (fake_engine.info(),)) as opened:
        thread = threading.Thread(target=two_takes)
        thread.start()
        assert takes[0].wait(20)
        assert opened.forecast(SMALL, Watched()).seconds_per_minute == 2.0
        thread.join(20)
        assert not thread.is_alive()


def test_closing_ends_a_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Studio(Directories.below(tmp_path))
    outcome: list[object] = []
    begun = threading.Event()
    ask = EngineProcess.forecast

    def measure(self: EngineProcess, name: str, device: str, cancel: Cancel, *, precision: str) -> Forecast:
        begun.set()
        return ask(self, name, device, cancel, precision=precision)

    def work() -> None:
        try:
            outcome.append(opened.forecast("musicgen-large"))
        except Cancelled as error:
            outcome.append(error)

    monkeypatch.setattr(EngineProcess, "forecast", measure)
    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(20)
    opened.close()
    thread.join(20)
    assert isinstance(outcome[0], Cancelled)


def test_the_studio_never_loads_torch(tmp_path: Path) -> None:
    """All that the window asks about models, in a process of its own, torch nowhere in it."""
    script = f"""
import sys
from pathlib import Path
from nur_studio.core.paths import Directories
from nur_studio.core.request import GenerationRequest
from nur_studio.engines.base import Forecast
from nur_studio.studio import Studio
with Studio(Directories.below(Path({str(tmp_path)!r}))) as studio:
    studio.models(), studio.engines(), studio.default_engine()
    studio.description_for(GenerationRequest("lo-fi beat"))
print([name for name in ("torch", "transformers", "audiocraft") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
