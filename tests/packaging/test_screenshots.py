"""The README's pictures lose size, not looks."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "screenshots.py"


@pytest.fixture(scope="module")
def screenshots() -> ModuleType:
    spec = importlib.util.spec_from_file_location("screenshots", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pixels(image: QImage) -> NDArray[np.int_]:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return lines[:, : image.width() * 3].reshape(image.height(), image.width(), 3).astype(int)


def test_few_colors_stay_exactly_what_they_are(screenshots: ModuleType) -> None:
    image = QImage(37, 20, QImage.Format.Format_RGB32)
    image.fill(QColor("#15171b"))
    for x, name in enumerate(("#ff8a5c", "#ffd166", "#c792ea", "#5fd0b4")):
        image.setPixelColor(x * 9, x * 5, QColor(name))
    reduced = screenshots.with_few_colors(image)
    assert reduced.format() == QImage.Format.Format_Indexed8
    np.testing.assert_array_equal(pixels(reduced), pixels(image))


def test_many_colors_become_256_that_lie_close(screenshots: ModuleType) -> None:
    noise = np.random.default_rng(1).integers(0, 60, (90, 121, 3), dtype=np.uint8)
    image = QImage(noise.tobytes(), 121, 90, 121 * 3, QImage.Format.Format_RGB888).copy()
    reduced = screenshots.with_few_colors(image)
    assert reduced.colorCount() == 256
    assert np.abs(pixels(reduced) - pixels(image)).mean() < 4
