"""Makes audiocraft importable with what it needs to run MusicGen, and nothing it needs only to train.

audiocraft 1.3.0 imports at module level, for training and for models we do not run: xformers, flashy, dora,
treetable, torchmetrics, spacy, torchaudio, librosa, av, num2words. Where one of these is installed it is used; where
it is absent a stand-in takes its name. What a stand-in computes (`unbind`, attention, `Spectrogram`, `chroma`) equals
the original; what would train or read media raises when called.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
import warnings
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from nur_studio.core.errors import EngineUnavailable

_HINT = "`pip install --no-deps audiocraft==1.3.0` beside nur-studio[musicgen] installs it."


def audiocraft() -> types.ModuleType:
    """The audiocraft package, imported. The first call takes some seconds.

    Raises `EngineUnavailable` where audiocraft or what it cannot do without is missing.
    """
    if "audiocraft" in sys.modules:
        return sys.modules["audiocraft"]
    stay_offline()
    try:
        # Before the stand-ins: transformers looks at what is installed and would take them for the real packages.
        transformers = importlib.import_module("transformers")
        transformers.logging.disable_progress_bar()  # loading tells its progress itself
        for place in (_xformers, _solvers, _flashy, _spacy, _torchaudio, _librosa, _av, _num2words):
            place()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # audiocraft uses torch's older weight_norm, and says so at every import
            return importlib.import_module("audiocraft")
    except ImportError as error:
        missing = error.name or str(error)
        raise EngineUnavailable(f"MusicGen needs the package {missing}, which is not installed.", hint=_HINT) from error


def stay_offline() -> None:
    """Nothing in this process asks Hugging Face's servers from now on: every file comes from a folder."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    hub = sys.modules.get("huggingface_hub.constants")  # read the environment when it was imported, if it was
    if hub is not None:
        vars(hub)["HF_HUB_OFFLINE"] = True


def _absent(name: str) -> bool:
    return name not in sys.modules and importlib.util.find_spec(name) is None


def _place(name: str, **contents: object) -> types.ModuleType:
    """A module called `name` in `sys.modules`, also an attribute of its parent."""
    module = types.ModuleType(name, "Stand-in for a package that is not installed.")
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    vars(module).update(contents)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, module)
    return module


def _needs(package: str) -> Any:
    """A function that says which package would be needed to do what was asked."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise EngineUnavailable(f"This needs the package {package}, which is not installed.")

    return refuse


def _xformers() -> None:
    if not _absent("xformers"):
        return

    class LowerTriangularMask:
        """Marks causal attention."""

    def memory_efficient_attention(
        q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, attn_bias: object = None, p: float = 0.0
    ) -> torch.Tensor:
        """Attention over (batch, time, heads, channels)."""
        causal = isinstance(attn_bias, LowerTriangularMask)
        mask = attn_bias if isinstance(attn_bias, torch.Tensor) else None
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        out = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, dropout_p=p, is_causal=causal)
        return out.transpose(1, 2)

    _place("xformers")
    _place(
        "xformers.ops",
        unbind=torch.unbind,
        LowerTriangularMask=LowerTriangularMask,
        memory_efficient_attention=memory_efficient_attention,
    )


def _solvers() -> None:
    """audiocraft's training half; one of its names is imported by a model we do not run (MultiBandDiffusion)."""
    if not any(_absent(name) for name in ("dora", "treetable", "torchmetrics", "flashy", "hydra")):
        return
    solver = type("CompressionSolver", (), {"model_from_checkpoint": staticmethod(_needs("dora"))})
    _place("audiocraft.solvers")
    _place("audiocraft.solvers.compression", CompressionSolver=solver)


def _flashy() -> None:
    """Distributed training: here there is one process, of rank 0."""
    if not _absent("flashy"):
        return

    def nothing(*_: object, **__: object) -> None:
        return None

    _place("flashy")
    _place(
        "flashy.distrib",
        rank=lambda: 0,
        world_size=lambda: 1,
        is_distributed=lambda: False,
        is_rank_zero=lambda: True,
        broadcast_tensors=nothing,
        barrier=nothing,
        average_metrics=lambda metrics, count=1.0: metrics,
        loader=_needs("flashy"),
    )
    _place("flashy.utils", write_and_rename=_needs("flashy"))


def _spacy() -> None:
    if _absent("spacy"):
        _place("spacy", load=_needs("spacy"))


def _torchaudio() -> None:
    if not _absent("torchaudio"):
        return

    class Spectrogram(torch.nn.Module):
        """Power spectrogram (…, n_fft // 2 + 1, frames) of (…, samples), periodic Hann window."""

        def __init__(
            self,
            n_fft: int = 400,
            win_length: int | None = None,
            hop_length: int | None = None,
            pad: int = 0,
            power: float = 2.0,
            normalized: bool = False,
            center: bool = True,
        ) -> None:
            super().__init__()
            self.n_fft, self.pad, self.power = n_fft, pad, power
            self.normalized, self.center = normalized, center
            self.win_length = win_length or n_fft
            self.hop_length = hop_length or self.win_length // 2
            self.window: torch.Tensor
            self.register_buffer("window", torch.hann_window(self.win_length))

        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            if self.pad:
                waveform = torch.nn.functional.pad(waveform, (self.pad, self.pad))
            spectrum = torch.stft(
                waveform.reshape(-1, waveform.shape[-1]),
                self.n_fft,
                self.hop_length,
                self.win_length,
                self.window,
                center=self.center,
                pad_mode="reflect",
                return_complex=True,
            )
            if self.normalized:  # by the window's energy, as torchaudio's `normalized=True`
                spectrum = spectrum / self.window.square().sum().sqrt()
            return spectrum.abs().pow(self.power).reshape(*waveform.shape[:-1], *spectrum.shape[1:])

    _place("torchaudio")
    _place("torchaudio.transforms", Spectrogram=Spectrogram)
    _place("torchaudio.functional", resample=_needs("torchaudio"))


def _librosa() -> None:
    if _absent("librosa"):
        _place("librosa")
        _place("librosa.filters", chroma=chroma_filters)


def chroma_filters(*, sr: float, n_fft: int, n_chroma: int = 12, tuning: float = 0.0) -> NDArray[np.float32]:
    """Weights (n_chroma, n_fft // 2 + 1) that fold a spectrum into pitch classes from C, as librosa's default filters.

    Each bin spreads over the classes by a Gaussian around its pitch, two classes wide, unit length per bin; octaves
    are weighted by a Gaussian around the fifth (2 octaves wide), after Ellis' Chroma feature analysis.
    """
    frequencies = np.linspace(0.0, sr, n_fft, endpoint=False)[1:]
    a440 = 440.0 * 2.0 ** (tuning / n_chroma)
    pitches = n_chroma * np.log2(frequencies / (a440 / 16.0))
    pitches = np.concatenate(([pitches[0] - 1.5 * n_chroma], pitches))  # bin 0 has no pitch: put it far below
    widths = np.concatenate((np.maximum(np.diff(pitches), 1.0), [1.0]))
    half = np.round(n_chroma / 2)
    distance = np.remainder(pitches[None] - np.arange(n_chroma)[:, None] + half + 10 * n_chroma, n_chroma) - half
    weights = np.exp(-0.5 * (2.0 * distance / widths[None]) ** 2)
    weights /= np.maximum(np.linalg.norm(weights, axis=0, keepdims=True), np.finfo(np.float64).tiny)
    weights *= np.exp(-0.5 * ((pitches / n_chroma - 5.0) / 2.0) ** 2)[None]
    weights = np.roll(weights, -3 * (n_chroma // 12), axis=0)  # from A to C
    return np.ascontiguousarray(weights[:, : 1 + n_fft // 2], dtype=np.float32)


def _av() -> None:
    if _absent("av"):
        _place("av", open=_needs("av"))


def _num2words() -> None:
    if _absent("num2words"):
        _place("num2words", num2words=_needs("num2words"))
