"""Upsampling as one product: what torch's transposed convolution gives, and where it takes that one's place."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nur_studio.engines.musicgen.upsampling import Upsampling, quicken


@pytest.mark.parametrize(("kernel", "stride"), [(16, 8), (10, 5), (7, 3), (3, 3), (2, 3), (5, 1)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("positions", [1, 2, 31])
@torch.inference_mode()
def test_it_is_the_transposed_convolution(kernel: int, stride: int, bias: bool, positions: int) -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose1d(24, 12, kernel, stride, bias=bias)
    x = torch.randn(2, 24, positions)
    wanted = layer(x)
    got = Upsampling(layer)(x)
    assert got.shape == wanted.shape
    assert torch.allclose(got, wanted, atol=1e-6 * float(wanted.abs().max()) + 1e-6)


@torch.inference_mode()
def test_a_row_is_the_same_whatever_is_beside_it() -> None:
    torch.manual_seed(0)
    layer = Upsampling(nn.ConvTranspose1d(64, 32, 16, 8))
    rows = torch.randn(8, 64, 31)
    together = layer(rows)
    assert all(torch.equal(layer(rows[index : index + 1])[0], together[index]) for index in range(8))


def test_only_what_it_stands_for_is_replaced() -> None:
    plain = nn.ConvTranspose1d(8, 8, 4, 2)
    others = [
        nn.ConvTranspose1d(8, 8, 4, 2, padding=1),
        nn.ConvTranspose1d(8, 8, 4, 2, output_padding=1),
        nn.ConvTranspose1d(8, 8, 4, 2, dilation=2),
        nn.ConvTranspose1d(8, 8, 4, 2, groups=2),
        nn.ConvTranspose1d(8, 8, 4, 2).double(),
        nn.Conv1d(8, 8, 3),
    ]
    layers = nn.Sequential(nn.Sequential(plain), *others)
    quicken(layers)
    assert isinstance(layers[0][0], Upsampling)
    assert list(layers[1:]) == others
