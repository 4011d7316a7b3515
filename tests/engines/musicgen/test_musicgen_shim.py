"""audiocraft without its training half: what stands in computes what the original would."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import types

import numpy as np
import pytest
import torch

from nur_studio.core.errors import EngineUnavailable
from nur_studio.engines.musicgen import shim


def test_audiocraft_is_the_real_one() -> None:
    audiocraft = shim.audiocraft()
    assert audiocraft.__version__.startswith("1.")
    assert shim.audiocraft() is audiocraft
    from audiocraft.models import MusicGen

    assert MusicGen.__module__ == "audiocraft.models.musicgen"
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert sys.modules["huggingface_hub.constants"].HF_HUB_OFFLINE is True


def test_what_is_installed_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    real = types.ModuleType("num2words")
    monkeypatch.setitem(sys.modules, "num2words", real)
    shim._num2words()
    assert sys.modules["num2words"] is real


def test_without_audiocraft_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    shim.audiocraft()
    for name in [name for name in sys.modules if name.partition(".")[0] == "audiocraft"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [importlib.machinery.BuiltinImporter])
    with pytest.raises(EngineUnavailable, match="needs the package audiocraft, which is not installed") as caught:
        shim.audiocraft()
    assert "pip install" in caught.value.hint


@pytest.mark.skipif(
    importlib.util.find_spec("xformers") is not None and "xformers" not in sys.modules, reason="the real one is here"
)
def test_attention_is_attention() -> None:
    shim.audiocraft()
    from xformers import ops

    q, k, v = torch.randn(3, 2, 5, 4, 8, generator=torch.Generator().manual_seed(1))
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / 8**0.5
    hidden = torch.ones(5, 5).triu(1).bool()
    for mask, expected in ((None, scores), (ops.LowerTriangularMask(), scores.masked_fill(hidden, float("-inf")))):
        out = torch.einsum("bhqk,bkhd->bqhd", expected.softmax(-1), v)
        assert torch.allclose(ops.memory_efficient_attention(q, k, v, mask), out, atol=1e-6)


def test_the_spectrogram_is_a_power_spectrum() -> None:
    shim.audiocraft()
    from torchaudio.transforms import Spectrogram

    wave = torch.randn(2, 1, 4000, generator=torch.Generator().manual_seed(1))
    ours = Spectrogram(n_fft=512, win_length=512, hop_length=128, power=2, normalized=True)(wave)
    window = np.hanning(513)[:-1]
    padded = np.pad(wave[1, 0].numpy(), 256, mode="reflect")
    frame = padded[128 * 7 : 128 * 7 + 512] * window
    right = np.abs(np.fft.rfft(frame)) ** 2 / (window**2).sum()
    assert ours.shape == (2, 1, 257, 1 + 4000 // 128)
    assert np.allclose(ours[1, 0, :, 7].numpy(), right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("note", "frequency"), [(0, 261.63), (4, 329.63), (9, 440.0), (9, 880.0), (11, 493.88)])
def test_a_note_falls_into_its_pitch_class(note: int, frequency: float) -> None:
    filters = shim.chroma_filters(sr=32000, n_fft=16384, n_chroma=12)
    assert filters.shape == (12, 8193)
    assert filters.dtype == np.float32
    wave = np.sin(2 * np.pi * frequency * np.arange(16384) / 32000) * np.hanning(16384)
    chroma = filters @ np.abs(np.fft.rfft(wave)) ** 2
    assert int(chroma.argmax()) == note


def test_chroma_filters_are_librosas() -> None:
    """The sum and some weights of librosa 0.11's `filters.chroma(sr=32000, n_fft=16384, tuning=0)`."""
    filters = shim.chroma_filters(sr=32000, n_fft=16384)
    weights = {
        (0, 134): 0.6699196,
        (4, 169): 0.7645438,
        (9, 225): 0.8661476,
        (9, 226): 0.8662422,
        (3, 1000): 4.356926e-16,
        (11, 8192): 0.1066526,
    }
    assert float(filters.sum()) == pytest.approx(4159.9429, rel=1e-6)
    assert {place: float(filters[place]) for place in weights} == pytest.approx(weights, rel=1e-5)
