"""The drawn wave: as high as the sound, in the lane's colour, grey when muted, cached, the same while panned."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nur_studio.audio.peaks import GrowingPeaks, PeakPyramid
from nur_studio.core.timing import Grid
from nur_studio.gui.theme import DARK, LIGHT, apply_theme
from nur_studio.gui.timeline import Timeline
from nur_studio.gui.waveform import Look, WaveView, column_peaks, is_silent, wave_image

FRAMES = 16 * 44100
TINT = QColor("#ff8a5c")


def _alphas(image: QImage, x: int) -> list[int]:
    return [image.pixelColor(x, y).alpha() for y in range(image.height())]


def test_image_reaches_as_far_as_the_peaks() -> None:
    low, high = np.array([-0.5] * 9, np.float32), np.array([1.0] * 9, np.float32)
    image = wave_image(low, high, 12, 100, TINT)
    column = _alphas(image, 4)
    inked = [y for y, alpha in enumerate(column) if alpha > 200]
    assert inked[0] == pytest.approx(1, abs=1)  # +1 is the top
    assert inked[-1] == pytest.approx(75, abs=1)  # −0.5 is halfway down the lower half
    assert image.pixelColor(4, 50).name() == TINT.name()
    assert max(_alphas(image, 11)) == 0  # no columns, no ink


def test_a_transient_is_paler_than_what_sustains() -> None:
    high = np.full(21, 0.3, np.float32)
    high[10] = 0.9
    image = wave_image(-high, high, 21, 100, TINT)
    assert _alphas(image, 10)[50] == 255
    assert 100 < _alphas(image, 10)[15] < 160  # only the peak reaches here
    assert _alphas(wave_image(-high, high, 21, 100, TINT, 0.0), 10)[15] == 255


def test_edges_are_softened() -> None:
    high = np.full(5, 0.3333, np.float32)
    between = [alpha for alpha in _alphas(wave_image(-high, high, 5, 64, TINT), 2) if 0 < alpha < 255]
    assert between


def test_tall_lanes_do_not_overflow() -> None:
    high = np.ones(4, np.float32)
    column = _alphas(wave_image(-high, high, 4, 2200, TINT), 2)
    assert column[5] == column[1100] == column[2190] == 255


def test_close_up_the_envelope_is_drawn_without_steps() -> None:
    ramp = np.linspace(0, 1, 64 * 40, dtype=np.float32)
    peaks = PeakPyramid.from_audio(np.stack((ramp, ramp), axis=1))
    _, high = column_peaks(peaks, 640.0, 1280.0, 200, len(ramp))
    steps = np.diff(high)
    assert np.all(steps >= 0)
    assert steps.max() < 3 * (high[-1] - high[0]) / 200
    assert high[100] == pytest.approx(960 / 2560, abs=0.02)


@pytest.fixture
def timeline(themed: QApplication) -> Timeline:
    axis = Timeline()
    axis.set_track(FRAMES, 44100, Grid(120.0))
    axis.set_width(600.0, 1.0)
    return axis


@pytest.fixture
def view(qtbot: QtBot, timeline: Timeline, peaks: dict[str, PeakPyramid]) -> WaveView:
    widget = WaveView(timeline, "drums")
    qtbot.addWidget(widget)
    widget.resize(600, 80)
    widget.item.set_peaks(peaks["drums"])
    widget.show()
    return widget


def _ink(image: QImage, x: int, color: str) -> int:
    return sum(image.pixelColor(x, y).name() == color for y in range(image.height()))


def test_the_lane_shows_loud_and_quiet_in_its_color(view: WaveView) -> None:
    image = view.grab().toImage()
    assert image.width() == 600
    loud, quiet = _ink(image, 150, DARK.drums), _ink(image, 450, DARK.drums)
    assert loud == pytest.approx(0.8 * 80, abs=3)
    assert quiet == pytest.approx(0.1 * 80, abs=3)


@pytest.mark.parametrize(("look", "gone"), [(Look.MUTED, True), (Look.DIMMED, True), (Look.LIT, False)])
def test_muted_is_grey_and_dimmed_is_dim(view: WaveView, look: Look, gone: bool) -> None:
    view.item.set_look(look)
    image = view.grab().toImage()
    assert (_ink(image, 150, DARK.drums) == 0) == gone
    middle = image.pixelColor(150, 30)
    if look is Look.MUTED:
        assert middle.name() == DARK.faint
    if look is Look.DIMMED:
        assert middle.lightness() < QColor(DARK.drums).lightness() * 0.6
        assert middle.hslHue() == pytest.approx(QColor(DARK.drums).hslHue(), abs=12)


def test_theme_switch_redraws(view: WaveView, qapp: QApplication) -> None:
    view.grab()
    apply_theme(qapp, "light")
    image = view.grab().toImage()
    assert image.pixelColor(455, 5).name() == LIGHT.wave_ground
    assert _ink(image, 151, LIGHT.wave("drums").name()) > 40
    apply_theme(qapp, "dark")


def test_silent_lane_is_a_line_with_a_word(view: WaveView, peaks: dict[str, PeakPyramid]) -> None:
    assert is_silent(peaks["vocals"], FRAMES)
    assert not is_silent(peaks["drums"], FRAMES)
    view.item.set_peaks(peaks["vocals"], note="silent", silent=True)
    image = view.grab().toImage()
    assert image.pixelColor(300, 40).name() != image.pixelColor(300, 20).name()
    assert any(image.pixelColor(x, 40).lightness() > 90 for x in range(14, 60))  # the word


def test_what_is_drawn_is_kept_until_something_changes(view: WaveView, timeline: Timeline) -> None:
    view.grab()
    first = view.item.cached
    assert first is not None
    view.viewport().update()
    view.grab()
    assert view.item.cached is first
    timeline.zoom(2.0, 0.0)
    assert view.item.cached is None


def test_panning_moves_the_picture_without_changing_it(view: WaveView, timeline: Timeline) -> None:
    timeline.zoom(4.0, 0.0)
    before = view.grab().toImage()
    timeline.pan(37.0)
    after = view.grab().toImage()
    assert before.copy(137, 0, 400, 80) == after.copy(100, 0, 400, 80)


def test_loop_is_a_wash_over_its_frames(view: WaveView, timeline: Timeline) -> None:
    timeline.set_loop((FRAMES // 4, FRAMES // 2), on=True)
    image = view.grab().toImage()
    assert image.pixelColor(150, 40).name() == DARK.accent or image.pixelColor(150, 2).name() == DARK.accent
    assert image.pixelColor(225, 1).blue() > image.pixelColor(75, 1).blue() + 15


def test_grows_with_the_audio(view: WaveView) -> None:
    growing = GrowingPeaks(FRAMES)
    view.item.set_peaks(growing)
    assert _ink(view.grab().toImage(), 100, DARK.drums) == 0
    tone = np.sin(np.arange(FRAMES // 2, dtype=np.float32) * 0.05)
    growing.append(np.stack((tone, tone), axis=1))
    view.item.refresh()
    image = view.grab().toImage()
    assert _ink(image, 100, DARK.drums) > 25
    assert _ink(image, 400, DARK.drums) == 0


def test_hidpi_draws_device_pixels(qtbot: QtBot, timeline: Timeline, peaks: dict[str, PeakPyramid]) -> None:
    widget = WaveView(timeline, "bass")
    qtbot.addWidget(widget)
    widget.resize(600, 80)
    widget.show()
    widget.item.set_peaks(peaks["bass"])
    drawn = widget.item._draw(2.0)
    assert (drawn.width(), drawn.height()) == (drawn.deviceIndependentSize().width() * 2, 160)


def test_no_menu_and_no_keys_of_pyqtgraph(view: WaveView) -> None:
    assert view.contextMenuPolicy() == Qt.ContextMenuPolicy.NoContextMenu
    assert view.focusPolicy() == Qt.FocusPolicy.NoFocus
