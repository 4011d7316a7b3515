"""The same takes on an NVIDIA card. Skipped where there is none: nothing stands in for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nur_studio.core.controls import Controls
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.engines.base import MusicTask, Unheard
from nur_studio.engines.device import choose
from nur_studio.engines.musicgen.apart import takes_apart
from nur_studio.engines.musicgen.decoding import Window, decode
from nur_studio.engines.musicgen.engine import musicgen
from nur_studio.engines.musicgen.loading import ModelFolders, load
from nur_studio.engines.musicgen.sampling import Sampling
from nur_studio.engines.musicgen.transformer import Transformer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


def test_the_card_is_found_and_named() -> None:
    device = choose("auto")
    assert device.kind == "cuda"
    assert device.title == torch.cuda.get_device_name(0)
    assert device.precision in ("bf16", "fp16")


@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-4), ("bf16", 2e-2)])
@torch.inference_mode()
def test_logits_are_those_of_the_cpu(all_folders: dict[str, ModelFolders], precision: str, bound: float) -> None:
    tokens = torch.randint(0, 512, (1, 4, 200))
    logits = []
    for device, kind in ((torch.device("cpu"), "fp32"), (torch.device("cuda"), precision)):
        model = load(all_folders["text"], device, kind, ignore_progress, CancelToken())
        conditions = model.conditioner("calm piano")
        heard = Transformer(model.language_model, conditions, 1, 200).hear(tokens.to(device))
        logits.append(heard.cpu())
    assert float((logits[1] - logits[0]).norm() / logits[0].norm()) <= bound


def test_recorded_steps_decode_what_steps_one_by_one_do(all_folders: dict[str, ModelFolders]) -> None:
    model = load(all_folders["text"], torch.device("cuda"), "fp32", ignore_progress, CancelToken())
    conditions = model.conditioner("calm piano")
    takes = []
    for even in (False, True):
        window = Window(model.language_model, conditions, 600, (7,), Sampling(temperature=0.0), even=even)
        takes.append(decode(window, lambda done, steps: None))
    assert torch.equal(*takes)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_takes_decoded_at_once_are_those_decoded_alone(all_folders: dict[str, ModelFolders], precision: str) -> None:
    model = load(all_folders["text"], torch.device("cuda"), precision, ignore_progress, CancelToken())
    if not takes_apart(model.language_model, 4, model.window_frames):
        pytest.skip("this card computes several takes otherwise, which it was tried for: they are made one by one")
    conditions = model.conditioner("calm piano")
    together = decode(Window(model.language_model, conditions, 600, (3, 5, 7, 11)), lambda done, steps: None)
    for row, seed in enumerate((3, 5, 7, 11)):
        alone = decode(Window(model.language_model, conditions, 600, (seed,)), lambda done, steps: None)
        assert torch.equal(alone[0], together[row])


@pytest.mark.parametrize("name", ["musicgen-small", "musicgen-stereo-small", "musicgen-melody"])
def test_the_same_task_gives_the_same_take_there(weights_folder: Path, name: str) -> None:
    engine = musicgen(name, str(weights_folder), "cuda")
    task = MusicTask("calm piano", 35.0, 90, 7, read_prompt("calm piano"), Controls())
    first, again = (engine.generate(task, ignore_progress, Unheard(), CancelToken()) for _ in range(2))
    assert first.mix.shape == (35 * 44100, 2)
    assert np.array_equal(first.mix, again.mix)
    engine.release()
    assert torch.cuda.memory_allocated() < 1 << 20
