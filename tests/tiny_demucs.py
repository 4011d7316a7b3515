"""Makes Demucs models in both of the formats they are published in, small enough to make and run in a test.

`.th` files are written by Demucs' own `serialize_model` and `save_with_checksum`, safetensors with the metadata its
export gives them.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nur_studio.engines.models import separator_model

SEGMENT = Fraction(1, 2)


def make_demucs(folder: Path, name: str = "htdemucs", *, layout: str = "torch", seed: int = 0, **sizes: Any) -> Path:
    """A local repository of Demucs in `folder`, holding the model called `name` with as many networks as published."""
    info = separator_model(name)
    folder.mkdir(parents=True, exist_ok=True)
    signatures = [f"5ee{index}" for index in range(len(info.networks))]
    for index, signature in enumerate(signatures):
        network = make_network(["other" if lane == "rest" else lane for lane in info.lanes], seed + index, **sizes)
        if layout == "torch":
            save_torch(network, folder / f"{signature}.th")
        else:
            save_safetensors(network, folder / f"{signature}.safetensors")
    bag: dict[str, Any] = {"models": signatures}
    if len(signatures) > 1:
        bag["weights"] = np.eye(len(signatures)).tolist()
    (folder / f"{name}.yaml").write_text(json.dumps(bag))
    return folder


def make_network(sources: list[str], seed: int = 0, **sizes: Any) -> Any:
    """A network with weights made up by chance, loud enough to be heard."""
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(seed)
    usual = {"channels": 8, "growth": 1, "dconv_mode": 0, "t_layers": 1, "t_heads": 2, "segment": SEGMENT}
    return HTDemucs(_shuffled(sources), **{**usual, **sizes}).eval()


def _shuffled(sources: list[str]) -> list[str]:
    """In the order of the published models, which is not the studio's."""
    return sorted(sources, key=["drums", "bass", "other", "vocals", "guitar", "piano"].index)


def save_torch(network: Any, path: Path) -> None:
    """As Demucs saves what it has trained: half precision, `NAME-CHECKSUM.th`."""
    from demucs.states import save_with_checksum, serialize_model
    from omegaconf import OmegaConf

    package = serialize_model(network, OmegaConf.create({"epochs": 3, "dset": {"sources": ["a"]}}))
    package["metrics"] = {"sdr": np.float64(9.0)}
    save_with_checksum(package, path)


def save_safetensors(network: Any, path: Path, **said: str) -> None:
    """As Demucs' models lie on the hub."""
    from safetensors.torch import save_file

    def fraction(value: Any) -> Any:
        return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}

    args, kwargs = network._init_args_kwargs
    metadata = {
        "klass": "demucs.htdemucs.HTDemucs",
        "args": json.dumps(args),
        "kwargs": json.dumps(kwargs, default=fraction),
        **said,
    }
    save_file({name: weight.half() for name, weight in network.state_dict().items()}, path, metadata=metadata)


def noise(seconds: float, rate: int = 44100, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Something that is not silent, in stereo: (frames, 2)."""
    sound = np.random.default_rng(seed).standard_normal((round(seconds * rate), 2)).astype(np.float32)
    return 0.1 * sound
