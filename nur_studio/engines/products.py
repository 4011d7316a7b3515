"""Matrices to multiply a few rows with, packed once and multiplied at every step of decoding, in each precision.

A step on a processor is bound by how fast memory delivers the weights. What halves them halves the step:

- fp32 on processors is packed for oneDNN, twice as fast as torch's own product of few rows.
- fp16 on processors keeps halves and computes in fp32, through FBGEMM: it needs no more than AVX2. Published models
  are stored in halves, so nothing is lost; where a training of one's own is stored in fp32, logits move by about 3e-4.
- int8 on processors keeps whole numbers from −127 to 127 with a scale for every 32 inputs of an output, and computes in
  fp32. OpenVINO multiplies them, as parts of a graph (`musicgen.compiled`); here they are only laid out. The last one,
  of the logits, has two bytes for each weight.
- bf16 on processors that have it, and everything on graphics cards, is torch's own.

A library may sum in another order where there are more rows. Takes made together shall be those made alone, so it is
tried on the device at hand how many rows to multiply in place of how many: see `alike`.
"""

from __future__ import annotations

import importlib.metadata
import math
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch.nn import functional

from nur_studio.core.request import MAX_TAKES

GROUP = 32
"""Inputs of an output that share a scale, in int8: the fewer, the less a loud one costs its neighbours."""
OPENVINO = "2026.4."
"""The release whose graphs are known here, as packaging installs it."""
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class Linear:
    """`(…, inputs) → (…, outputs)`. What comes in is converted to `dtype`; what comes out has it.

    `rows_apart`: whether a row's result does not depend on the rows beside it, bit for bit, for as many as takes made
    together need: a take then stays the same whatever is made with it.
    """

    dtype: torch.dtype
    rows_apart: bool

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


def linear(
    weight: torch.Tensor, bias: torch.Tensor | None, device: torch.device, precision: str, *, last: bool = False
) -> Linear:
    """A matrix (outputs, inputs) in a `precision` that `has` says the device has; a copy, even where nothing changes:
    what is decoded from must not vanish with an unplugged disk. `last`: what it gives are the logits themselves, and
    what is rounded in it is not evened out by what follows; it is one matrix of a hundred.
    """
    if device.type == "cpu":
        if precision == "int8":
            return LaidOut(weight, bias, digits=2 if last else 1)
        if precision == "fp16" and _fbgemm():
            return _Halves(weight, bias)
        if _onednn_packs(DTYPES[precision]):
            return _Packed(weight, bias, DTYPES[precision])
    if device.type == "cuda":
        return _OnCard(weight, bias, device, DTYPES[precision])
    return _Plain(weight, bias, device, DTYPES[precision])


def once(precision: str) -> str:
    """What a matrix is kept in that is multiplied with once, not at every step, beside others in a precision."""
    return "fp32" if precision == "int8" else precision


def has(precision: str) -> bool:
    """Whether a processor multiplies quickly in a precision."""
    if precision == "int8":
        return _openvino()
    if precision == "fp16":
        return _fbgemm()
    return precision == "fp32" or _onednn_packs(DTYPES[precision])


class _Plain(Linear):
    rows_apart = False

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.dtype = dtype
        self._weight = weight.to(device, dtype, copy=True)
        self._bias = None if bias is None else bias.to(device, dtype, copy=True)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x.to(self.dtype), self._weight, self._bias)


class _OnCard(_Plain):
    """Of as many rows as leave each what it is beside others. Tests have it on a processor: nothing in it is a card's
    own.
    """

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None, device: torch.device, dtype: torch.dtype
    ) -> None:
        super().__init__(weight, bias, device, dtype)
        self._alike = _alike_on_card(tuple(weight.shape), device, dtype)
        self.rows_apart = bool(self._alike)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return _each_alike(super().__call__, x, self._alike)


class _Packed(Linear):
    rows_apart = True

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.to("cpu", dtype, copy=True))
        self._bias = None if bias is None else bias.to("cpu", dtype, copy=True)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        x = x.to(self.dtype)
        out: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "none", [], "")
        return out


class _Halves(Linear):
    dtype = torch.float32

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self._alike = _halves_alike()
        self.rows_apart = bool(self._alike)
        self._packed: Any = torch.ops.quantized.linear_prepack_fp16(
            weight.to("cpu", torch.float32), None if bias is None else bias.to("cpu", torch.float32)
        )

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return _each_alike(partial(_halved, self._packed), x.to(torch.float32), self._alike)


@dataclass(frozen=True, slots=True)
class Laid:
    """A matrix laid out for a graph: bytes (outputs, groups, `GROUP` inputs or fewer) with `scales` (outputs, groups,
    1) in float32, and a bias (outputs,). With two `digits` there are twice the groups, the high digits of all and then
    the low ones: inputs are multiplied with both.
    """

    whole: torch.Tensor
    scales: torch.Tensor
    bias: torch.Tensor | None
    digits: int


class LaidOut(Linear):
    """For a graph that multiplies itself and takes what is laid out. Multiplying here is for comparison."""

    dtype = torch.float32
    rows_apart = False

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, digits: int) -> None:
        outputs, inputs = weight.shape
        groups = weight.to("cpu", torch.float32).reshape(outputs, -1, math.gcd(inputs, GROUP))
        low, high = groups.aminmax(dim=2, keepdim=True)
        loudest = torch.maximum(high, low.neg_()).clamp_(min=torch.finfo(torch.float32).tiny)
        steps = 127 if digits == 1 else 127 * 256 + 127
        rounded = (groups * (steps / loudest)).round_()
        scales = loudest / steps
        if digits == 1:
            whole = rounded.to(torch.int8)
        else:
            both = rounded.to(torch.int16)
            whole = torch.cat([((both + 128) >> 8).to(torch.int8), both.to(torch.int8)], 1)  # the latter drops the high
            scales = torch.cat([scales * 256, scales], 1)
        kept = None if bias is None else bias.to("cpu", torch.float32, copy=True)
        self._laid: Laid | None = Laid(whole, scales, kept, digits)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        assert self._laid is not None, "the weights were taken"
        x = x.to(torch.float32).repeat(*[1] * (x.ndim - 1), self._laid.digits)
        return functional.linear(x, (self._laid.whole * self._laid.scales).flatten(1), self._laid.bias)

    def take(self) -> Laid:
        """The weights, which are no longer here."""
        assert self._laid is not None, "the weights were taken"
        laid, self._laid = self._laid, None
        return laid


def _onednn_packs(dtype: torch.dtype) -> bool:
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    # oneDNN's half precision needs AVX-512 or its like: many a processor in use has only AVX2.
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


@cache
def _fbgemm() -> bool:
    """Whether torch's products of halves are there: on x86 processors with AVX2."""
    if torch.backends.quantized.engine not in ("fbgemm", "x86"):
        return False
    try:
        _halved(torch.ops.quantized.linear_prepack_fp16(torch.zeros(16, 16), None), torch.zeros(4, 16))
    except RuntimeError:  # built for processors that do not have what this one lacks
        return False
    return True


Multiply = Callable[[torch.Tensor], torch.Tensor]
"""(rows, inputs) → (rows, outputs)"""


def as_many(multiply: Multiply, rows: torch.Tensor, many: int) -> torch.Tensor:
    """The product of rows, computed as if there were so many."""
    count = len(rows)
    return multiply(functional.pad(rows, (0, 0, 0, many - count)))[:count] if many > count else multiply(rows)


def _each_alike(multiply: Multiply, x: torch.Tensor, found: dict[int, int]) -> torch.Tensor:
    """The product of (…, inputs), of as many rows as `alike` found."""
    rows = x.reshape(-1, x.shape[-1])
    count = len(rows)
    return as_many(multiply, rows, found.get(count, count)).view(*x.shape[:-1], -1)


def alike(
    multiply: Multiply, rows: torch.Tensor, wanted: torch.Tensor, tries: Callable[[int], Iterable[int]]
) -> dict[int, int]:
    """How many rows to multiply in place of how many, so that each comes out as in `wanted`, wherever it stands.

    `tries` says how many to try for a number of rows. Those of 2, 4, … rows are looked for, as takes have two each.
    Empty: there is no way.
    """
    found = {}
    for count in range(2, len(rows) + 1, 2):
        for many in tries(count):
            if all(
                torch.equal(as_many(multiply, rows.roll(by, 0)[:count], many), wanted.roll(by, 0)[:count])
                for by in (0, 3)
            ):
                found[count] = many
                break
        else:
            return {}
    return found


def _halved(packed: Any, rows: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16(rows, packed)
    return out


@cache
def _halves_alike() -> dict[int, int]:
    """FBGEMM has kernels for one row, two, three …, some of which sum in another order; which, and how rows are shared
    out among them, is the processor's matter.
    """
    rows = _trial_rows(1024)
    weight = torch.randn((96, rows.shape[1]), generator=torch.Generator().manual_seed(1))
    multiply = partial(_halved, torch.ops.quantized.linear_prepack_fp16(weight, None))
    wanted = torch.cat([multiply(rows[row : row + 4]) for row in range(0, len(rows), 4)])
    return alike(multiply, rows, wanted, lambda count: range(count, count + 5))


@cache
def _alike_on_card(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> dict[int, int]:
    """Which kernel a card takes goes by the shape of both matrices: always the most rows there can be is always the
    same one, and as quick where the weights are what takes time. Fewer are tried first.
    """
    rows = _trial_rows(shape[1]).to(device, dtype)
    weight = torch.randn(shape, generator=torch.Generator(device).manual_seed(1), device=device).to(dtype)
    multiply = partial(functional.linear, weight=weight)
    most = len(rows)
    return alike(multiply, rows, multiply(rows), lambda count: (count, most))


def _trial_rows(inputs: int) -> torch.Tensor:
    return torch.randn((2 * MAX_TAKES, inputs), generator=torch.Generator().manual_seed(0))


@cache
def _openvino() -> bool:
    """Whether OpenVINO is here in a release that `musicgen.compiled` builds graphs for, and the processor is one that
    it is known to be quick on: x86 with AVX2.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    wide = torch.backends.cpu.get_cpu_capability().startswith(("AVX2", "AVX512"))
    return wide and _release("openvino").startswith(OPENVINO)


def _release(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
