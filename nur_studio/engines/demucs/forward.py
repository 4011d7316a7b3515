"""How a network is computed here: what changes its time and memory, and its stems by no more than rounding.

Of what was tried one thing is kept; `packaging/SEPARATION.md` has the figures. `in_blocks`: torch's quick way through
an attention to itself holds all of its 8 × 2,688 × 2,688 weights at once; `scaled_dot_product_attention` takes them
block by block, in single precision too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Forward:
    """The settings of a network's forward. As it is, it is Demucs' own."""

    in_blocks: bool = False

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Inside, networks are computed so. Holds for all of this process: one computes at a time."""
        before = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(before and not self.in_blocks)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(before)


PLAIN = Forward()
"""Demucs' own, which another is measured against."""


def forward_on(device: torch.device) -> Forward:
    """What is quickest on a device, of what was measured there; nothing was measured on graphics cards."""
    return Forward(in_blocks=True) if device.type == "cpu" else PLAIN
