"""Where a model computes: what was asked for, or what is there, and never something else in silence."""

from types import SimpleNamespace

import pytest

from nur_studio.core.errors import EngineUnavailable
from nur_studio.engines.device import choose

torch = pytest.importorskip("torch")

from nur_studio.engines import products  # noqa: E402


def have(monkeypatch: pytest.MonkeyPatch, *, cuda: bool = False, mps: bool = False, bf16: bool = True) -> None:
    card = SimpleNamespace(name="NVIDIA Paper", total_memory=24 << 30)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: card)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "kind", "precision"),
    [(True, True, "cuda", "bf16"), (False, True, "mps", "fp16"), (False, False, "cpu", "fp16")],
)
def test_auto_takes_the_best_there_is(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, kind: str, precision: str
) -> None:
    have(monkeypatch, cuda=cuda, mps=mps)
    monkeypatch.setattr(products, "has", lambda _: True)
    device = choose("auto")
    assert (device.kind, device.precision) == (kind, precision)
    assert device.memory_bytes > 0


def test_a_card_is_named_and_an_old_one_has_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, cuda=True, bf16=False)
    device = choose("cuda")
    assert (device.title, device.precision, device.memory_bytes) == ("NVIDIA Paper", "fp16", 24 << 30)
    assert device.bytes_per_weight == 2
    assert choose("cuda", "fast").precision == "fp16", "as fast as it gets"
    assert choose("cuda", "full").precision == "fp32"


@pytest.mark.parametrize(
    ("wanted", "there", "precision", "size"),
    [
        ("auto", {"fp16", "int8"}, "fp16", 2),
        ("fast", {"fp16", "int8"}, "int8", 1),
        ("full", {"fp16", "int8"}, "fp32", 4),
        ("auto", set(), "fp32", 4),
        ("fast", set(), "fp32", 4),
    ],
)
def test_a_processor_computes_in_what_it_is_quick_in(
    monkeypatch: pytest.MonkeyPatch, wanted: str, there: set[str], precision: str, size: int
) -> None:
    monkeypatch.setattr(products, "has", there.__contains__)
    device = choose("cpu", wanted)
    assert (device.precision, device.bytes_per_weight) == (precision, size)


@pytest.mark.parametrize(("wanted", "sentence"), [("cuda", "no NVIDIA graphics card"), ("mps", "no Apple graphics")])
def test_what_is_not_there_is_said_and_not_replaced(
    monkeypatch: pytest.MonkeyPatch, wanted: str, sentence: str
) -> None:
    have(monkeypatch)
    with pytest.raises(EngineUnavailable, match=sentence) as caught:
        choose(wanted)
    assert "cpu" in caught.value.hint


def test_an_unknown_device_is_answered_with_the_known_ones() -> None:
    with pytest.raises(EngineUnavailable, match="known: auto, cuda, mps, cpu"):
        choose("abacus")
    with pytest.raises(EngineUnavailable, match="known: auto, fast, full"):
        choose("cpu", "roughly")
