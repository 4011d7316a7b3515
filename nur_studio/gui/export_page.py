"""What the pages of the export dialog share: rows of a form, and the click that goes out with the music."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from nur_studio.core.track import Track
from nur_studio.gui.export_choice import ExportChoice
from nur_studio.studio.clicks import Clicks

LABEL_WIDTH = 88


class Page(Protocol):
    """One kind of export."""

    def fill(self, choice: ExportChoice) -> ExportChoice:
        """`choice`, with what is chosen here."""

    def why_not(self) -> str:
        """Why there can be none of what is chosen here, in a sentence; "" where it can."""


class ExportPage(QWidget):
    """Rows of a label and what is chosen there."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = form_grid()
        self.form.setContentsMargins(0, 0, 0, 0)
        self.setLayout(self.form)

    def why_not(self) -> str:
        return ""


def form_grid() -> QGridLayout:
    """A grid whose labels stand below each other in all pages."""
    form = QGridLayout()
    form.setHorizontalSpacing(16)
    form.setVerticalSpacing(8)
    form.setColumnMinimumWidth(0, LABEL_WIDTH)
    form.setColumnStretch(1, 1)
    return form


def add_row(form: QGridLayout, row: int, text: str, widget: QWidget) -> QLabel:
    """A row of a form; its label."""
    label = QLabel(text)
    label.setProperty("role", "field")
    label.setBuddy(widget)
    widget.setAccessibleName(text)
    form.addWidget(label, row, 0)
    form.addWidget(widget, row, 1)
    return label


def remark(text: str = "") -> QLabel:
    """A dim sentence below a row."""
    label = QLabel(text)
    label.setProperty("role", "dim")
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


class ClicksRow(QWidget):
    """A file of clicks beside the music, a bar of them in front; neither for what has no tempo."""

    changed = Signal()

    def __init__(self, track: Track, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.click = QCheckBox(_tr("Click track"))
        self.click.setToolTip(_tr("A file of its own with a click on every beat"))
        self.count_in = QCheckBox(_tr("Count-in bar"))
        self.count_in.setToolTip(_tr("A bar of clicks in front; all files stay on one grid"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        for switch in (self.click, self.count_in):
            switch.setEnabled(track.has_tempo)
            switch.toggled.connect(self.changed)
            row.addWidget(switch)
        row.addWidget(remark("" if track.has_tempo else _tr("No steady tempo to click to")), 1)

    @property
    def clicks(self) -> Clicks:
        return Clicks(self.click.isChecked(), self.count_in.isChecked())


def _tr(text: str) -> str:
    return QCoreApplication.translate("ExportDialog", text)
