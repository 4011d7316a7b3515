"""A forecast comes from this machine's own work, and costs the window nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from nur_studio.core.errors import EngineUnavailable
from nur_studio.engines.models import MODELS, MusicModel
from nur_studio.engines.musicgen.probe import forecast
from nur_studio.engines.products import has


def tiny(model: MusicModel) -> MusicModel:
    return replace(model, dim=64, heads=4, layers=6, parameters=1_000_000)


@pytest.mark.parametrize("name", ["musicgen-small", "musicgen-melody", "musicgen-stereo-large"])
def test_a_forecast_names_device_memory_and_time(name: str) -> None:
    model = tiny(next(model for model in MODELS if model.name == name))
    found = forecast(model, "cpu")
    usual = "fp16" if has("fp16") else "fp32"
    assert (found.model, found.device, found.precision, found.fits) == (name, "CPU", usual, True)
    assert found.memory_bytes == model.memory_bytes(2 if usual == "fp16" else 4)
    assert found.seconds_per_minute > 0


def test_a_forecast_is_of_the_precision_that_would_be_used() -> None:
    model = tiny(MODELS[0])
    full, fast = forecast(model, "cpu", "full"), forecast(model, "cpu", "fast")
    assert (full.precision, full.memory_bytes) == ("fp32", model.memory_bytes(4))
    assert fast.precision == ("int8" if has("int8") else "fp32")
    assert fast.seconds_per_minute > 0


def test_what_is_too_large_does_not_fit() -> None:
    assert not forecast(replace(tiny(MODELS[0]), parameters=10**13), "cpu").fits


def test_an_absent_device_is_a_sentence() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(EngineUnavailable, match="NVIDIA"):
            forecast(MODELS[0], "cuda")


def test_the_window_can_import_it_without_torch() -> None:
    code = "import sys, nur_studio.engines.musicgen.probe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
