"""Takes apart the packages audiocraft publishes MusicGen in."""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nur_studio.engines.checkpoints import BadCheckpoint

LM_FILE = "state_dict.bin"
CODEC_FILE = "compression_state_dict.bin"
_LONGEST_CONFIG = 1 << 20  # characters; published ones have some 20,000


def read_config(package: Mapping[str, Any], path: Path) -> Any:
    """The configuration a package was trained with (an OmegaConf mapping). `path` is for the error only."""
    import yaml
    from omegaconf import OmegaConf

    text = package.get("xp.cfg")
    if not isinstance(text, str) or len(text) > _LONGEST_CONFIG:
        raise BadCheckpoint(f"{path} does not say what model it holds.", hint="Download or import the model again.")
    try:
        # Aliases are never written by OmegaConf, and a few lines of them unfold to gigabytes.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise BadCheckpoint(f"{path} describes its model in a way that audiocraft does not.")
        config = OmegaConf.create(text)
    except BadCheckpoint:
        raise
    except Exception as error:  # yaml and omegaconf have a dozen kinds of errors for bad text
        raise BadCheckpoint(f"{path} describes its model in text that cannot be read.") from error
    if not OmegaConf.is_dict(config):
        raise BadCheckpoint(f"{path} does not say what model it holds.")
    return config


def best_state(package: Mapping[str, Any], path: Path) -> dict[str, torch.Tensor]:
    """The weights of a package, by name. `path` is for the error only."""
    state = package.get("best_state")
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(weight, torch.Tensor) for name, weight in state.items()
    ):
        raise BadCheckpoint(f"{path} holds no weights.", hint="Download or import the model again.")
    return state


@dataclass(frozen=True, slots=True)
class Joined:
    """A weight whose rows lie in several: put together when it is taken, not before."""

    parts: tuple[torch.Tensor, ...]


class Weights:
    """Weights taken out of a checkpoint one by one, each checked against the shape it must have.

    `state` must come from `read_package`: mapped from disk.
    """

    def __init__(self, state: Mapping[str, torch.Tensor | Joined], path: Path) -> None:
        self._state = dict(state)
        self._path = path
        self._taken: list[torch.Tensor] = []

    def take(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        """The weight called `name`, still on disk. Raises `BadCheckpoint` where it is absent or of another shape."""
        stored = self._state.pop(name, None)
        if stored is None:
            raise BadCheckpoint(f"{self._path} lacks the weights {name}.", hint="Download or import the model again.")
        weight = self._whole(stored, name)
        if tuple(weight.shape) != shape or not weight.is_floating_point():
            raise BadCheckpoint(
                f"{self._path} describes one model and holds another: {name} is {tuple(weight.shape)}, not {shape}.",
                hint="Download or import the model again.",
            )
        self._taken += stored.parts if isinstance(stored, Joined) else [stored]
        return weight

    def _whole(self, stored: torch.Tensor | Joined, name: str) -> torch.Tensor:
        if isinstance(stored, torch.Tensor):
            return stored
        try:
            return torch.cat(stored.parts)
        except RuntimeError as error:
            raise BadCheckpoint(
                f"The parts of {name} in {self._path} do not fit together.", hint="Download or import the model again."
            ) from error

    def release(self) -> None:
        """Give back the memory of all weights taken so far: whoever took them has copies by now.

        A mapped file's pages count as ours until then, and a model would take its size twice while it loads.
        """
        for weight in self._taken:
            _forget_pages(weight)
        self._taken.clear()
        _trim()

    def take_optional(self, name: str, shape: tuple[int, ...]) -> torch.Tensor | None:
        """As `take`, but None where there is no such weight: biases that some models have."""
        return self.take(name, shape) if name in self._state else None

    def take_group(self, prefix: str) -> dict[str, torch.Tensor]:
        """All weights whose names begin with `prefix`, without it."""
        names = [name for name in self._state if name.startswith(prefix)]
        return {name.removeprefix(prefix): self._whole(self._state.pop(name), name) for name in names}

    def check_empty(self) -> None:
        """Raises `BadCheckpoint` where weights were left over: the model would not be the one that was trained."""
        if self._state:
            raise BadCheckpoint(
                f"{self._path} holds {len(self._state)} weights its model has no place for, as {min(self._state)}."
            )


def _trim() -> None:
    """Give the allocator's holes back: packing leaves one behind every matrix, an eighth of a model in all."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(ctypes.c_size_t(0))


def _forget_pages(mapped: torch.Tensor) -> None:
    """Tell the system that a mapped tensor's pages are not needed; touched again, they come from the file again."""
    if sys.platform == "win32" or sys.byteorder != "little":  # Windows trims by itself; torch swaps bytes in place
        return
    page, storage = mmap.PAGESIZE, mapped.untyped_storage()  # a tensor may claim more than its storage, by strides of 0
    start = -(-storage.data_ptr() // page) * page
    end = (storage.data_ptr() + storage.nbytes()) // page * page
    if end > start:
        libc = ctypes.CDLL(None)
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), ctypes.c_int(mmap.MADV_DONTNEED))
