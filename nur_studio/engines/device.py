"""Where a model computes: the card that was asked for or is there, and in which precision. Never by surprise."""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from typing import Any, Literal

from nur_studio.core.errors import EngineUnavailable
from nur_studio.core.settings import PRECISIONS

Kind = Literal["cuda", "mps", "cpu"]
DEVICES = ("auto", "cuda", "mps", "cpu")
_BYTES = {"fp32": 4, "int8": 1}


@dataclass(frozen=True, slots=True)
class Device:
    """`title` is for people ("NVIDIA H100"), `memory_bytes` all the memory it has, `precision` bf16, fp16, fp32 or
    int8.
    """

    kind: Kind
    title: str
    memory_bytes: int
    precision: str

    @property
    def bytes_per_weight(self) -> int:
        return _BYTES.get(self.precision, 2)


def choose(wanted: str = "auto", precision: str = "auto") -> Device:
    """The device called `wanted`; "auto" takes CUDA, else MPS, else the CPU. For the engine process: imports torch.

    `precision` "auto" is the quickest that stays within a hundredth of what "full", fp32, computes; "fast" is the
    quickest there is.

    Raises `EngineUnavailable` where the one asked for is not there: nobody finds out by waiting that it is the CPU.
    """
    if precision not in PRECISIONS:
        raise EngineUnavailable(f"There is no precision {precision!r}; known: {', '.join(PRECISIONS)}.")
    device = _place(wanted)
    if precision == "full":
        return replace(device, precision="fp32")
    return _on_processor(device, precision) if device.kind == "cpu" else device


def _place(wanted: str) -> Device:
    import torch

    if wanted not in DEVICES:
        raise EngineUnavailable(f"There is no device {wanted!r}; known: {', '.join(DEVICES)}.")
    if wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available()):
        if not torch.cuda.is_available():
            raise _absent("NVIDIA graphics card that torch can use", "CUDA")
        return _cuda(torch)
    mps = torch.backends.mps.is_available()
    if wanted == "mps" or (wanted == "auto" and mps):
        if not mps:
            raise _absent("Apple graphics processor that torch can use", "MPS")
        return Device("mps", "Apple GPU", _memory(), "fp16")
    return Device("cpu", "CPU", _memory(), "fp32")


def _on_processor(device: Device, precision: str) -> Device:
    from nur_studio.engines.products import has

    preferred = ("int8", "fp16") if precision == "fast" else ("fp16",)
    return replace(device, precision=next((name for name in preferred if has(name)), "fp32"))


def give_back() -> None:
    """Memory that is no longer used, the machine's and the card's."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def free_bytes(kind: str) -> int:
    """How much memory a device has left for more, what was allocated there and is no longer used included."""
    if kind == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info()
        return int(free) + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    import psutil

    return int(psutil.virtual_memory().available)


def _cuda(torch: Any) -> Device:
    properties = torch.cuda.get_device_properties(0)
    precision = "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return Device("cuda", properties.name, int(properties.total_memory), precision)


def _absent(what: str, name: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"{name} was chosen in the settings, and this machine has no {what}.",
        hint="Choose “auto” or “cpu” as device.",
    )


def _memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total)
