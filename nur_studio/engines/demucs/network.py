"""Reads one network of a Demucs from its file. Nothing in a file is run, and nothing it says is built unchecked.

Accepted is a `demucs.htdemucs.HTDemucs` in one of the two ways in which Demucs publishes it:

- safetensors, with the class's name and its arguments as JSON in the metadata (the hub; preferred);
- `torch.save`'s archive of `klass`, `args`, `kwargs` and `state` (`.th`). Its pickle names three kinds of things beside
  tensors: the class, fractions, and numpy's numbers among the notes of the training. A function or class of ours
  stands in for each, so that neither Demucs nor numpy is called with what a file says; whatever else it names ends the
  reading.

The arguments must be known to the class, of the type it expects and within bounds. The network is then built without
memory, and its tensors are taken from the file where names and shapes agree. Quantised networks and other classes are
refused.
"""

from __future__ import annotations

import inspect
import json
import logging
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import torch

from nur_studio.engines.checkpoints import AGAIN, BadCheckpoint, read_package
from nur_studio.engines.tensor_files import read_metadata, read_tensors

log = logging.getLogger(__name__)

SAMPLE_RATE = 44100
CHANNELS = 2
_CLASS = "demucs.htdemucs.HTDemucs"
_LONGEST_JSON = 1 << 16
_MOST_PARAMETERS = 400_000_000
_MOST_ITEMS = 16
_LONGEST_TEXT = 100
# What a network is built of; all other numbers only have to be finite and not absurd.
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "audio_channels": (CHANNELS, CHANNELS),
    "samplerate": (SAMPLE_RATE, SAMPLE_RATE),
    "segment": (0.5, 60),
    "channels": (1, 512),
    "channels_time": (1, 512),
    "growth": (1, 4),
    "nfft": (512, 16384),
    "depth": (1, 8),
    "kernel_size": (1, 32),
    "stride": (1, 16),
    "time_stride": (1, 16),
    "context": (0, 8),
    "context_enc": (0, 8),
    "norm_groups": (1, 64),
    "dconv_depth": (0, 8),
    "dconv_comp": (1, 64),
    "multi_freqs_depth": (0, 8),
    "bottom_channels": (0, 4096),
    "t_layers": (0, 32),
    "t_heads": (1, 64),
    "t_hidden_scale": (0.1, 16),
    "t_max_positions": (1, 100_000),
    "t_sin_random_shift": (0, 0),  # stems are to be the same each time
}
_NUMBER = 1e9
_FIXED = {"cac": True, "use_train_segment": True, "t_sparse_self_attn": False, "t_sparse_cross_attn": False}
_UNUSED = {"rescale": 0, "emb_smooth": False}  # how weights are made up that are read from the file instead


def read_network(path: Path) -> Any:
    """The network in a file, in single precision on the CPU. Raises `BadCheckpoint`."""
    if path.suffix == ".safetensors":
        arguments, state = _from_safetensors(path)
    else:
        arguments, state = _from_torch(path)
    network = _built(arguments, path)
    wanted = network.state_dict()
    for name, weight in wanted.items():
        stored = state.pop(name, None)
        if stored is None:
            raise BadCheckpoint(f"{path} lacks the weights {name}.", hint=AGAIN)
        if stored.shape != weight.shape or not stored.is_floating_point():
            raise BadCheckpoint(f"{path} describes one network and holds another: {name} does not fit.", hint=AGAIN)
        wanted[name] = stored.to(torch.float32, copy=True)
    if state:
        raise BadCheckpoint(f"{path} holds weights its network has no place for, as {min(state)}.", hint=AGAIN)
    network.load_state_dict(wanted, assign=True)
    return network.eval().requires_grad_(False)


def new_network(arguments: Mapping[str, Any]) -> Any:
    """A network with weights made up by chance: for trying a machine, and for tests."""
    from demucs.htdemucs import HTDemucs

    return HTDemucs(**arguments).eval().requires_grad_(False)


# -- the two layouts -------------------------------------------------------------------------------------------------


def _from_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    from safetensors.torch import load_file

    if not path.is_file():
        raise BadCheckpoint(f"{path.name} is missing in {path.parent}.", hint=AGAIN)
    read_tensors(path)
    said = read_metadata(path)
    if said.get("klass") != _CLASS:
        raise _no_network(path)
    if "structure" in said:
        raise BadCheckpoint(f"{path} is quantised, which is not read here.", hint="Get the model as published.")
    args, kwargs = (_json(said.get(part, ""), path) for part in ("args", "kwargs"))
    try:
        state: dict[str, torch.Tensor] = load_file(path)
    except MemoryError:
        raise
    except Exception as error:  # safetensors has an error of its own, and lets others through
        raise BadCheckpoint(f"{path} is damaged or no safetensors file.", hint=AGAIN) from error
    return _named(args, kwargs, path), state


def _json(text: str, path: Path) -> Any:
    def fraction(entry: dict[str, Any]) -> Any:
        return _fraction(entry.get("numerator"), entry.get("denominator")) if "_type" in entry else entry

    if len(text) > _LONGEST_JSON:
        raise _no_network(path)
    try:
        return json.loads(text, object_hook=fraction)
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise _no_network(path) from error


def _from_torch(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    stand_ins = (
        (_network_class, _CLASS),
        (_fraction, "fractions.Fraction"),
        (_Note, "numpy.dtype"),
        (_Note, "numpy.core.multiarray.scalar"),
        (_Note, "numpy._core.multiarray.scalar"),
    )
    package = read_package(path, stand_ins)
    state = package.get("state")
    if package.get("klass") is not _network_class or not isinstance(state, dict):
        raise _no_network(path)
    if not all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()):
        raise BadCheckpoint(f"{path} holds no plain weights.", hint="Get the model as published, not quantised.")
    return _named(package.get("args"), package.get("kwargs"), path), dict(state)


def _network_class(*_: object, **__: object) -> NoReturn:
    """Stands where a file names the class: it is a name, and not to be called."""
    raise ValueError("a file asks for a network to be built")


class _Note:
    """Stands for a number of numpy's that a file mentions: nothing is made of it."""

    def __new__(cls, *_: object) -> _Note:
        return super().__new__(cls)

    def __setstate__(self, _: object) -> None:
        pass


def _fraction(numerator: object, denominator: object = 1) -> Fraction:
    """A fraction of two whole numbers, or of text as Python pickles one: `39/5`."""
    if isinstance(numerator, str) and denominator == 1 and len(numerator) <= 20:
        return Fraction(numerator)
    if not isinstance(numerator, int) or not isinstance(denominator, int) or max(numerator, denominator) > 1 << 40:
        raise ValueError("no fraction")
    return Fraction(numerator, denominator)


# -- what is built ---------------------------------------------------------------------------------------------------


def _named(args: object, kwargs: object, path: Path) -> dict[str, Any]:
    """The arguments by name. Those the class no longer knows are left out, as Demucs does."""
    from demucs.htdemucs import HTDemucs

    if not isinstance(args, list | tuple) or not isinstance(kwargs, dict):
        raise _no_network(path)
    known = inspect.signature(HTDemucs).parameters
    if len(args) > len(known):
        raise _no_network(path)
    named = {**dict(zip(known, args, strict=False)), **kwargs}
    unknown = [name for name in named if name not in known]
    if unknown:
        log.info("%s has arguments that are no longer known: %s", path.name, unknown)
    return {
        name: _checked(name, named[name], parameter.default, path) for name, parameter in known.items() if name in named
    }


def _checked(name: str, value: Any, default: Any, path: Path) -> Any:
    """`value`, if an argument of this name may have it."""
    if name in _FIXED:
        good = value is _FIXED[name]
    elif name in ("wiener_iters", "end_iters"):
        good = value == 0 and isinstance(value, int)
    elif name == "sources":
        good = isinstance(value, list | tuple) and 1 <= len(value) <= _MOST_ITEMS and all(map(_is_word, value))
    elif isinstance(value, list | tuple):
        good = len(value) <= _MOST_ITEMS and all(_is_number(each, -_NUMBER, _NUMBER) for each in value)
    elif isinstance(value, str):
        good = isinstance(default, str) and _is_word(value)
    elif value is None or isinstance(value, bool):
        good = value is default or isinstance(default, bool | int) or default is None
    else:
        good = _is_number(value, *_BOUNDS.get(name, (-_NUMBER, _NUMBER)))
        good = good and (not isinstance(default, int) or name == "segment" or value == int(value))
    if not good:
        raise BadCheckpoint(f"{path} describes a network that is not Demucs' ({name}).", hint=AGAIN)
    return list(value) if isinstance(value, tuple) else value


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT and value.isprintable()


def _is_number(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        return False
    return math.isfinite(value) and low <= value <= high


def _built(arguments: Mapping[str, Any], path: Path) -> Any:
    """The network, of the right shape and without any weights yet."""
    if "sources" not in arguments:
        raise _no_network(path)
    try:
        with torch.device("meta"):
            network = new_network({**arguments, **_UNUSED})
    except Exception as error:  # the class asserts, divides and indexes by what it is given
        raise BadCheckpoint(f"{path} describes a network that cannot be built.", hint=AGAIN) from error
    if sum(weight.numel() for weight in network.parameters()) > _MOST_PARAMETERS:
        raise BadCheckpoint(f"{path} describes a network far larger than any that was published.", hint=AGAIN)
    return network


def _no_network(path: Path) -> BadCheckpoint:
    return BadCheckpoint(f"{path} holds no network of Demucs 4.", hint=AGAIN)
