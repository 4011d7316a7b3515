"""However a network is computed: its stems are Demucs' own but for rounding, and nothing is left changed behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_demucs import make_network, noise

from nur_studio.core.progress import CancelToken
from nur_studio.engines.demucs import memory
from nur_studio.engines.demucs.engine import DemucsEngine
from nur_studio.engines.demucs.forward import PLAIN, Forward, forward_on
from nur_studio.engines.demucs.memory import kept
from nur_studio.engines.demucs.separating import Ensemble

SOURCES = ["drums", "bass", "other", "vocals"]
FARTHEST_DB = -50.0
CPU = torch.device("cpu")
WAYS = {
    "in blocks": Forward(in_blocks=True),
    "used": forward_on(CPU),
}


@pytest.fixture(scope="module")
def plain() -> tuple[Any, torch.Tensor, torch.Tensor]:
    """A network whose every branch is heard, what it hears, and the stems Demucs' own forward makes of it."""
    from demucs.demucs import LayerScale

    network = make_network(SOURCES, dconv_mode=3, t_layers=3).requires_grad_(False)
    torch.manual_seed(1)
    for part in network.modules():
        if isinstance(part, LayerScale):
            part.scale.uniform_(0.2, 1.0)
    seconds = np.arange(22050, dtype=np.float32)[:, None] / 44100
    chord = sum(0.1 * np.sin(2 * np.pi * hertz * seconds) for hertz in (55.0, 220.0, 277.2, 329.6, 4000.0))
    mix = torch.from_numpy((chord + noise(0.5)).astype(np.float32).T.copy())[None]
    with torch.inference_mode():
        return network, mix, network(mix)[0].clone()


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    assert torch.backends.mha.get_fastpath_enabled()
    yield
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("way", WAYS)
def test_stems_are_within_50_db_of_demucs_own_forward(way: str, plain: Any) -> None:
    network, mix, wanted = plain
    forward = WAYS[way]
    with torch.inference_mode(), kept(), forward.at_work():
        stems = network(mix)[0]
    off = (stems - wanted).double().square().mean((1, 2)) / wanted.double().square().mean((1, 2))
    assert (wanted.abs().amax((1, 2)) > 0.01).all(), "each stem can be heard"
    assert (10 * off.clamp(min=1e-30).log10() < FARTHEST_DB).all()


def test_the_settings_reach_the_network(plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attention goes through blocks where it is told to, and only there."""
    network, mix, wanted = plain
    blocks = 0
    whole = torch.nn.functional.scaled_dot_product_attention

    def counted(*args: Any, **more: Any) -> torch.Tensor:
        nonlocal blocks
        blocks += 1
        return whole(*args, **more)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", counted)
    asked = []
    for forward in (PLAIN, Forward(in_blocks=True)):
        blocks = 0
        with torch.inference_mode(), forward.at_work():
            network(mix)
        asked.append(blocks)
    assert asked == [2, 6], "two layers of three hear themselves, in both branches"
    with torch.inference_mode(), kept():
        assert torch.equal(network(mix)[0], wanted), "afterwards, and with memory kept, it computes the same bits"


def test_an_ensemble_computes_as_it_is_told_and_still_sums_to_the_mix(plain: Any) -> None:
    network, mix, _ = plain
    forward = forward_on(CPU)
    seen: list[bool] = []
    hook = network.encoder[0].register_forward_pre_hook(
        lambda *_: seen.append(torch.backends.mha.get_fastpath_enabled())
    )
    try:
        ensemble = Ensemble([network], torch.ones(1, 4), tuple(SOURCES), mix.shape[-1], CPU, forward)
        chunk = mix[0].T.numpy()
        first = ensemble.separate(chunk, lambda: None, CancelToken())
        again = ensemble.separate(chunk, lambda: None, CancelToken())
    finally:
        hook.remove()
    assert seen == [False, False]
    assert np.array_equal(first, again)
    missing = first.sum(axis=1) - chunk
    assert 20 * np.log10(np.sqrt((missing**2).mean()) / np.sqrt((chunk**2).mean())) < -100


def test_an_error_within_leaves_no_setting_behind() -> None:
    with pytest.raises(ValueError, match="away"), Forward(in_blocks=True).at_work():
        assert not torch.backends.mha.get_fastpath_enabled()
        raise ValueError("away")


def test_a_loaded_model_is_computed_as_its_device_likes(make_engine: Any) -> None:
    engine: DemucsEngine = make_engine()
    engine.warm()
    assert engine._ready is not None
    ensemble = engine._ready[0]
    assert ensemble.forward == forward_on(CPU) != PLAIN
    assert forward_on(torch.device("cuda")) == forward_on(torch.device("mps")) == PLAIN


class _Library:
    """Writes down what the allocator is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []
        self.trimmed = 0

    def mallopt(self, name: Any, value: Any) -> int:
        self.told.append((name.value, value.value))
        return 1

    def malloc_trim(self, _: Any) -> int:
        self.trimmed += 1
        return 1


def test_memory_is_kept_while_it_is_worked_and_given_back_after(monkeypatch: pytest.MonkeyPatch) -> None:
    library = _Library()
    monkeypatch.setattr(memory, "_allocator", lambda: library)
    with pytest.raises(ValueError, match="away"), kept():
        assert dict(library.told) == {-4: 0, -1: 2**31 - 1}, "nothing from the system anew, nothing back to it"
        assert library.trimmed == 0
        raise ValueError("away")
    assert dict(library.told) == {-4: 65536, -3: 32 << 20, -1: 64 << 20}
    assert library.trimmed == 1


@pytest.mark.skipif(not memory.can_keep(), reason="only GNU's C library is told")
def test_a_layer_gets_the_memory_the_last_one_freed() -> None:
    """By what the system counts: without it each of these is cleared page by page."""
    import resource

    def faults(size: int = 8 << 20) -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(4):
            torch.zeros(size).add_(1.0)  # 32 MB, above what is kept by itself
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with kept():
        faults()
        inside = faults()
    assert inside < faults() / 4


def test_where_there_is_nothing_to_tell_nothing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    memory._allocator.cache_clear()
    monkeypatch.setattr("sys.platform", "darwin")
    try:
        assert not memory.can_keep()
        with kept():
            pass
    finally:
        memory._allocator.cache_clear()
