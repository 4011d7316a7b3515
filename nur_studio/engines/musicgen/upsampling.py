"""Transposed convolutions, which make many samples of a few frames, as products of one matrix.

Each of the `stride` samples between two inputs has weights of its own, `kernel / stride` inputs wide: a convolution
for each phase (polyphase upsampling; Crochiere and Rabiner, Multirate Digital Signal Processing, 1983). All phases
together are one product, of weights that are packed once. What torch does on processors takes four times as long for
the first of EnCodec's layers.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import pad

from nur_studio.engines.products import linear


class Upsampling(nn.Module):
    """Computes what an `nn.ConvTranspose1d` without padding, groups or dilation does, in float32 on the CPU."""

    def __init__(self, layer: nn.ConvTranspose1d) -> None:
        super().__init__()
        self.kernel_size, self.stride = layer.kernel_size, layer.stride  # its surroundings trim by them
        inputs, self._outputs, self._kernel = layer.weight.shape
        stride = layer.stride[0]
        self._taps = -(-self._kernel // stride)
        weight = pad(layer.weight.detach(), (0, self._taps * stride - self._kernel))
        # A frame's first sample of a stride is furthest from the frames before it: the oldest has the last weights.
        phases = weight.view(inputs, self._outputs, self._taps, stride).flip(2).permute(3, 1, 2, 0)
        bias = None if layer.bias is None else layer.bias.detach().repeat(stride)
        self._product = linear(phases.flatten(0, 1).flatten(1), bias, torch.device("cpu"), "fp32")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(rows, inputs, positions) → (rows, outputs, (positions − 1) × stride + kernel)."""
        # One row at a time: products of many rows are not the same, bit for bit, for different numbers of rows.
        return torch.stack([self._one(row) for row in x])

    def _one(self, x: torch.Tensor) -> torch.Tensor:
        before = self._taps - 1
        positions = pad(x, (before, before)).T.contiguous()
        seen = positions.unfold(0, self._taps, 1).transpose(1, 2).flatten(1)  # the oldest first
        out = self._product(seen).view(-1, self._outputs)
        return out[: (x.shape[1] - 1) * self.stride[0] + self._kernel].T


def quicken(layers: nn.Module) -> None:
    """Replace every transposed convolution within `layers` that `Upsampling` stands for, where that is quicker."""
    for module in list(layers.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.ConvTranspose1d) and child.weight.device.type == "cpu" and _is_plain(child):
                setattr(module, name, Upsampling(child))


def _is_plain(layer: nn.ConvTranspose1d) -> bool:
    others = layer.padding, layer.output_padding, layer.dilation, layer.groups
    return others == ((0,), (0,), (1,), 1) and layer.weight.dtype == torch.float32
