"""How a take came about, at a click: the words, what a model was sent, what it started from, what was made anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QGridLayout, QLabel, QWidget

from nur_studio.core.controls import Controls
from nur_studio.core.track import Track
from nur_studio.gui.origin_lines import origin_lines
from nur_studio.gui.tempo_words import tempo_lines

_WIDTH = 420


def _tr(text: str) -> str:
    return QCoreApplication.translate("RecipeCard", text)


def recipe_lines(track: Track) -> list[tuple[str, str]]:
    """(name, text) of all that is worth knowing of a take's recipe; what was left to defaults is left out."""
    recipe = track.recipe
    controls = _part(_part(recipe, "request"), "controls")
    details = _part(recipe, "details")
    usual = Controls()
    lines = [
        (_tr("Note"), _text(recipe.get("note"))),
        *origin_lines(track),
        *tempo_lines(track),
        (_tr("Prompt"), track.prompt if track.generated else ""),
        (_tr("Sent"), _joined(details.get("descriptions")) or _text(controls.get("description"))),
        (_tr("Avoided"), _text(controls.get("negative"))),
        (_tr("Sections"), _sections(controls.get("sections"))),
        (_tr("Started from"), _reference(_part(controls, "reference"))),
    ]
    sampling = [
        f"{name} {value:g}"
        for name, key, default in (
            (_tr("guidance"), "guidance", usual.guidance),
            (_tr("temperature"), "temperature", usual.temperature),
            (_tr("top-k"), "top_k", usual.top_k),
        )
        if isinstance(value := controls.get(key), int | float) and value != default
    ]
    sampling += [_tr("count-in")] if controls.get("count_in") is True else []
    before_loops = controls.get("loop") is True and "contract" not in recipe  # then it only had no fade
    sampling += [_tr("left for looping")] if before_loops else []
    lines += [
        (_tr("Sampling"), ", ".join(sampling)),
        (_tr("Windows"), _windows(details)),
        (_tr("Made on"), ", ".join(text for key in ("device", "precision") if (text := _text(details.get(key))))),
        (_tr("Model"), _text(recipe.get("model"))),
        (_tr("Licence"), track.licence),
        (_tr("Stems"), _separation(_part(recipe, "separation")) if track.lanes else ""),
    ]
    return [(name, text) for name, text in lines if text]


class RecipeCard(QFrame):
    """Lies over the window; Escape, a click elsewhere or going on with Tab closes it. Its text can be selected."""

    def __init__(self, track: Track, window: QWidget) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "card")
        self.setAccessibleName(_tr("How this take was made"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedWidth(min(_WIDTH, window.width()))
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 12, 16, 12)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        self._values: list[QLabel] = []
        for row, (name, text) in enumerate(recipe_lines(track)):
            label, value = QLabel(name), QLabel(text)
            label.setProperty("role", "dim")
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            value.setTextFormat(Qt.TextFormat.PlainText)
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            grid.addWidget(label, row, 0)
            grid.addWidget(value, row, 1)
            self._values.append(value)
        self._grid, self._window = grid, window
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self)

    def open_below(self, button: QWidget) -> None:
        """Show it under `button`, inside the window."""
        window = self._window
        place = button.mapTo(window, QPoint(0, button.height() + 4))
        place.setX(max(0, min(place.x(), window.width() - self.width() - 8)))
        self.move(place)
        self.show()
        # Only now do its words have their fonts, and so their heights.
        self._grid.activate()
        for value in self._values:
            value.setMinimumHeight(value.heightForWidth(value.width()))
        self.resize(self.width(), self._grid.heightForWidth(self.width()))
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_I):
            self.close()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(watched, QWidget) and self.isVisible():
            inside = watched is self or self.isAncestorOf(watched)
            if watched.window() is self.window() and not inside:
                self.close()
        return super().eventFilter(watched, event)


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a recipe; recipes come from the disk, so it may be anything."""
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _seconds(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else "?"


def _joined(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(text for entry in value if (text := _text(entry)))
    return _text(value)


def _sections(value: object) -> str:
    if not isinstance(value, Sequence):
        return ""
    return "\n".join(
        _tr("bar {bar}: {words}").format(bar=section["start_bar"] + 1, words=_text(section.get("description")))
        for section in value
        if isinstance(section, Mapping) and isinstance(section.get("start_bar"), int)
    )


def _reference(value: Mapping[str, Any]) -> str:
    use = {"continue": _tr("continued from {source}"), "melody": _tr("tune of {source}")}.get(_text(value.get("use")))
    return use.format(source=_text(value.get("source"))) if use is not None else ""


def _separation(value: Mapping[str, Any]) -> str:
    """What separated the stems, on what, under which licence."""
    maker = [_text(value.get("title")), _text(_part(value, "details").get("device")), _text(value.get("licence"))]
    return " · ".join(text for text in maker if text)


def _windows(details: Mapping[str, Any]) -> str:
    """How many windows a take was made in, what each goes on from, which were made again and what for."""
    value, window_s = details.get("windows"), details.get("window_s", 30.0)
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return ""
    again, faults, carried = 0, [], 0.0
    for window in value:
        carry_s = window.get("carry_s") if isinstance(window, Mapping) else None
        carried = max(carried, carry_s) if isinstance(carry_s, int | float) else carried
        rolls = window.get("rolls") if isinstance(window, Mapping) else None
        for roll in rolls[:-1] if isinstance(rolls, Sequence) else ():
            again += 1
            faults += [_text(fault) for fault in roll.get("faults", ())] if isinstance(roll, Mapping) else []
    text = _tr("{count} of up to {seconds} s").format(count=len(value), seconds=_seconds(window_s))
    if carried:
        text = _tr("{text}, each going on from the last {carried} s").format(text=text, carried=_seconds(carried))
    if not again:
        return text
    reasons = ", ".join(sorted({fault for fault in faults if fault}))
    text = _tr("{text}; made again: {again}").format(text=text, again=again)
    return f"{text} ({reasons})" if reasons else text
