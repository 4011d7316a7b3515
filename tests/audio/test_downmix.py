"""Channels brought to stereo: by the standard's coefficients, in whichever order they come."""

from __future__ import annotations

import numpy as np
import pytest

from nur_studio.audio.downmix import stereo_matrix, to_stereo, told

HALF = np.sqrt(0.5)


def test_mono_goes_to_both_sides_and_stereo_stays() -> None:
    mono = np.array([[0.5], [-0.25]], np.float32)
    np.testing.assert_array_equal(to_stereo(mono, stereo_matrix(1)), np.repeat(mono, 2, axis=1))
    stereo = np.array([[0.5, 0.1]], np.float32)
    assert to_stereo(stereo, stereo_matrix(2)) is stereo
    assert told(1) == told(2) == ""


@pytest.mark.parametrize("vorbis", [False, True])
@pytest.mark.parametrize(
    ("channels", "places"),
    [
        (6, (("L", 0, 0), ("R", 1, 2), ("C", 2, 1), ("E", 3, 5), ("l", 4, 3), ("r", 5, 4))),
        (8, (("L", 0, 0), ("R", 1, 2), ("C", 2, 1), ("E", 3, 7), ("l", 4, 5), ("r", 5, 6), ("l", 6, 3), ("r", 7, 4))),
    ],
)  # fmt: skip
def test_surround_is_brought_down_by_bs_775(
    channels: int, places: tuple[tuple[str, int, int], ...], vorbis: bool
) -> None:
    expected = {"L": (1, 0), "R": (0, 1), "C": (HALF, HALF), "E": (0, 0), "l": (HALF, 0), "r": (0, HALF)}
    matrix = stereo_matrix(channels, vorbis_order=vorbis)
    for name, wave, ogg in places:
        np.testing.assert_allclose(matrix[ogg if vorbis else wave], expected[name], atol=1e-7)
    assert told(channels).endswith("1, were brought to stereo.")


def test_more_channels_than_any_layout_meet_in_the_middle() -> None:
    block = np.ones((4, 20), np.float32)
    np.testing.assert_allclose(to_stereo(block, stereo_matrix(20)), np.ones((4, 2)), atol=1e-6)
    assert "averaged" in told(20)
