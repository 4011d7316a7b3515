"""Colours that can be read, a style sheet that Qt takes, icons in the colours of the moment."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QImage
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from nur_studio.core.mix import SIX_LANES
from nur_studio.core.paths import resource
from nur_studio.gui import icons, theme
from nur_studio.gui.theme import DARK, LIGHT, Tokens, apply_theme, blend, contrast, tokens


def test_contrast_of_known_pairs() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colors", [DARK, LIGHT], ids=["dark", "light"])
def test_words_can_be_read_on_every_ground(colors: Tokens) -> None:
    grounds = {name: getattr(colors, name) for name in ("background", "panel", "raised", "wave_ground")}
    words = ("text", "dim", "accent", "good", "warning", "error")
    low = {
        (word, ground): round(contrast(getattr(colors, word), value), 2)
        for word in words
        for ground, value in grounds.items()
        if contrast(getattr(colors, word), value) < 4.5
    }
    assert low == {}
    assert contrast(colors.on_accent, colors.accent) >= 4.5
    assert contrast(colors.text, colors.selected) >= 4.5
    assert contrast(colors.dim, colors.selected) >= 4.5
    assert contrast(colors.accent, blend(colors.panel, colors.accent, 0.14)) >= 4.5


@pytest.mark.parametrize("colors", [DARK, LIGHT], ids=["dark", "light"])
def test_letters_of_pressed_mute_and_solo_can_be_read(colors: Tokens) -> None:
    sheet = theme.style_sheet(colors)
    for role, word in (("mute", colors.error), ("solo", colors.bass)):
        rule = sheet.split(f'[role="{role}"]:checked {{', 1)[1].split("}", 1)[0]
        ground = rule.split("background:", 1)[1].split(";", 1)[0].strip()
        assert contrast(word, ground) >= 4.5


@pytest.mark.parametrize("colors", [DARK, LIGHT], ids=["dark", "light"])
def test_waveforms_stand_out_and_differ(colors: Tokens) -> None:
    waves = [colors.wave(lane).name() for lane in ("mix", *SIX_LANES)]
    assert len(set(waves)) == 7
    assert all(contrast(wave, colors.wave_ground) >= 2.8 for wave in waves)
    assert colors.wave("rest") == colors.wave("other")


@pytest.mark.parametrize("name", ["dark", "light"])
def test_theme_reaches_widgets_and_every_token_is_filled_in(qtbot: QtBot, qapp: QApplication, name: str) -> None:
    button = QPushButton("Generate")
    button.setProperty("role", "primary")
    button.resize(120, 32)
    qtbot.addWidget(button)
    button.show()
    chosen = apply_theme(qapp, name)
    assert tokens() is chosen
    assert "$" not in qapp.styleSheet()
    assert button.grab().toImage().pixelColor(8, 16) == QColor(chosen.accent)


def test_switch_is_live_and_told(qtbot: QtBot, qapp: QApplication) -> None:
    apply_theme(qapp, "dark")
    label = QLabel("x")
    qtbot.addWidget(label)
    label.show()
    with qtbot.waitSignal(theme.theme_notifier().changed):
        apply_theme(qapp, "light")
    assert label.palette().windowText().color() == QColor(LIGHT.text)
    apply_theme(qapp, "dark")
    assert label.palette().windowText().color() == QColor(DARK.text)


def test_unknown_theme_is_refused(qapp: QApplication) -> None:
    with pytest.raises(ValueError, match="dark, light, system"):
        apply_theme(qapp, "sepia")


def test_figures_have_one_width(themed: QApplication) -> None:
    font = theme.scaled_font(18)
    assert font.pixelSize() == 18
    if "Inter" in font.family():  # whose default figures are proportional
        from PySide6.QtGui import QFontMetricsF

        metrics = QFontMetricsF(font)
        assert metrics.horizontalAdvance("1111") == pytest.approx(metrics.horizontalAdvance("8888"), abs=0.1)


def _inked(image: QImage) -> set[str]:
    return {
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() == 255
    }


def test_every_icon_draws_in_the_color_of_the_moment(themed: QApplication) -> None:
    names = sorted(path.stem for path in resource("icons").glob("*.svg"))
    assert len(names) > 40
    for name in names:
        if not name.startswith(("arrow-", "tick-")):
            image = icons.icon(name).pixmap(QSize(24, 24), 2.0).toImage()
            assert image.width() == 48, name
            assert QColor(DARK.text).name() in _inked(image), name


def test_an_icon_follows_the_theme_and_the_state(qapp: QApplication) -> None:
    apply_theme(qapp, "dark")
    star = icons.icon("stop", "dim", on="bass")
    assert DARK.dim in _inked(star.pixmap(24, 24).toImage())
    on = star.pixmap(QSize(24, 24), 1.0, QIcon.Mode.Normal, QIcon.State.On).toImage()
    assert DARK.bass in _inked(on)
    apply_theme(qapp, "light")
    assert LIGHT.dim in _inked(star.pixmap(24, 24).toImage())
    apply_theme(qapp, "dark")


def test_a_missing_icon_is_told_at_once(themed: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        icons.icon("no-such-icon")
