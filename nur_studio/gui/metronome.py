"""The metronome's button: on and off at a click; its menu has the level and the count-in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QWidget, QWidgetAction

from nur_studio.core.mix import MAX_GAIN_DB, MIN_GAIN_DB
from nur_studio.gui.controls import NumberLabel
from nur_studio.gui.faders import Fader, gain_text
from nur_studio.gui.icons import icon
from nur_studio.gui.theme import tokens

_DOT = 5.0  # px: the mark of a count-in


@dataclass(frozen=True, slots=True)
class Metronome:
    """`on`: clicks beside the music. `count_in`: a bar of clicks before it. `level_db` is that of both."""

    on: bool = False
    level_db: float = 0.0
    count_in: bool = False


class MetronomeButton(QToolButton):
    """Shows a metronome and says how a person wants it. Held or right-clicked it opens its menu."""

    changed = Signal(object)  # Metronome

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._metronome = Metronome()
        self._why_not = ""
        self.setProperty("role", "icon")
        self.setIcon(icon("metronome", on="accent"))
        self.setIconSize(QSize(18, 18))
        self.setCheckable(True)
        self.setAccessibleName(self.tr("Metronome"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.level = Fader()
        self.level.setAccessibleName(self.tr("Level of the metronome"))
        self.level.setToolTip(self.tr("How loud it clicks. Double click: 0 dB. Shift: finer"))
        self.level.setFixedWidth(120)
        self._number = NumberLabel("−60.0", align=Qt.AlignmentFlag.AlignRight)
        self._build_menu()
        self.setPopupMode(QToolButton.ToolButtonPopupMode.DelayedPopup)
        self.clicked.connect(self._on_clicked)
        self.level.moved.connect(self._on_level)
        self._say()

    def _build_menu(self) -> None:
        menu = QMenu(self)
        row = QHBoxLayout()
        row.setContentsMargins(12, 6, 12, 6)
        row.setSpacing(8)
        row.addWidget(QLabel(self.tr("Level")))
        row.addWidget(self.level)
        row.addWidget(self._number)
        holder = QWidget()
        holder.setLayout(row)
        level = QWidgetAction(menu)
        level.setDefaultWidget(holder)
        menu.addAction(level)
        menu.addSeparator()
        self.count_in = menu.addAction(self.tr("Count in: a bar of clicks before play\tShift+K"))
        self.count_in.setCheckable(True)
        self.count_in.triggered.connect(self._on_count_in)
        self.setMenu(menu)

    @property
    def metronome(self) -> Metronome:
        return self._metronome

    def set_metronome(self, metronome: Metronome) -> None:
        """Show it without telling anyone."""
        self._metronome = replace(metronome, level_db=min(max(metronome.level_db, MIN_GAIN_DB), MAX_GAIN_DB))
        self.level.set_gain(self._metronome.level_db)
        self._say()

    def set_why_not(self, why_not: str) -> None:
        """Why there is nothing to click to, in a sentence; "" where there is."""
        self._why_not = why_not
        self._say()

    def toggle_count_in(self) -> None:
        if self.isEnabled():
            self._change(replace(self._metronome, count_in=not self._metronome.count_in))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.isEnabled():
            self.showMenu()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._metronome.count_in and self.isEnabled():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens().color("accent"))
            painter.drawEllipse(QRectF(self.width() - _DOT - 3, 3, _DOT, _DOT))

    def _on_clicked(self) -> None:
        self._change(replace(self._metronome, on=self.isChecked()))

    def _on_level(self, level_db: float) -> None:
        self._change(replace(self._metronome, level_db=level_db))

    def _on_count_in(self, on: bool) -> None:
        self._change(replace(self._metronome, count_in=on))

    def _change(self, metronome: Metronome) -> None:
        self._metronome = metronome
        self._say()
        self.changed.emit(metronome)

    def _say(self) -> None:
        metronome = self._metronome
        self.setEnabled(not self._why_not)
        self.setChecked(metronome.on)
        self.count_in.setChecked(metronome.count_in)
        self._number.set_text(gain_text(metronome.level_db))
        tip = self.tr("Metronome (K). Right click: level, count-in (Shift+K). Exports do not change with it")
        if metronome.count_in:
            tip = self.tr("Metronome (K). A bar is counted in before play (Shift+K). Right click: level, count-in")
        self.setToolTip(self._why_not or tip)
        self.update()
