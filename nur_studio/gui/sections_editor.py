"""Sections of a take: from which bar on the music follows which words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from nur_studio.core.controls import MAX_DESCRIPTION, MAX_SECTIONS, SectionPrompt
from nur_studio.gui.controls import icon_button
from nur_studio.gui.fields import FaultLabel, NumberField

_LAST_BAR = 999
_USUAL_BARS = 8
_NO_BAR = -1  # of a row whose bar is none: the core says what is wrong with it


class _Row(QWidget):
    """A bar, counted from 1 as the ruler counts, and the words from there on."""

    def __init__(self, bar: str, text: str) -> None:
        super().__init__()
        self.bar = NumberField(1, _LAST_BAR, 1)
        self.bar.setText(bar)
        self.bar.setFixedWidth(52)
        self.bar.setAccessibleName(self.tr("Bar"))
        self.bar.setToolTip(self.tr("The bar at which the music changes, as the ruler counts"))
        self.words = QLineEdit(text)
        self.words.setAcceptDrops(False)  # a file that is dropped here is the panel's
        self.words.setMaxLength(2 * MAX_DESCRIPTION)
        self.words.setCursorPosition(0)  # long ones are read from their beginning
        self.words.setPlaceholderText(self.tr("breakdown, soft pads …"))
        self.words.setAccessibleName(self.tr("Words of the section"))
        self.words.setToolTip(self.tr("What the music follows from this bar on"))
        tip = self.tr("Take this section away")
        self.remove = icon_button("close", tip, role="icon-flat", size=14, color="dim")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(self.bar)
        line.addWidget(self.words, 1)
        line.addWidget(self.remove)

    @property
    def empty(self) -> bool:
        return not self.words.text().strip()


class SectionsEditor(QWidget):
    """Rows in any order; what counts is their bars. Rows without words are not there."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[_Row] = []
        self._before: QWidget | None = None
        says = QLabel(self.tr("The prompt holds until the first section; each changes the music at its bar."))
        says.setProperty("role", "dim")
        says.setWordWrap(True)
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        self._fault = FaultLabel()
        self.add = QPushButton(self.tr("Add a section"))
        self.add.setToolTip(self.tr("Other words from a bar on, at most {count} times").format(count=MAX_SECTIONS))
        self.add.clicked.connect(self._on_add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(says)
        column.addLayout(self._list)
        column.addWidget(self._fault)
        column.addWidget(self.add)

    @property
    def rows(self) -> Sequence[_Row]:
        return tuple(self._rows)

    def sections(self) -> tuple[SectionPrompt, ...]:
        """The sections in the order of their bars, right or wrong."""
        found = []
        for row in self._rows:
            bar = row.bar.value()
            if not row.empty:
                found.append(SectionPrompt(bar - 1 if isinstance(bar, int) else _NO_BAR, row.words.text().strip()))
        return tuple(sorted(found, key=lambda section: section.start_bar))

    def set_sections(self, sections: Sequence[SectionPrompt]) -> None:
        self._set([(str(section.start_bar + 1), section.description) for section in sections])

    def draft(self) -> dict[str, str]:
        """The rows as they were typed."""
        rows = [(row.bar.text(), row.words.text()) for row in self._rows]
        return {"sections": json.dumps(rows, ensure_ascii=False)}

    def restore(self, draft: Mapping[str, str]) -> None:
        """Put a draft back; one without sections changes nothing."""
        if "sections" not in draft:
            return
        try:
            rows = [(str(bar), str(words)) for bar, words in json.loads(draft["sections"])]
        except (ValueError, TypeError):
            return  # a draft that was meddled with
        self._set(rows[:MAX_SECTIONS])

    def set_before(self, widget: QWidget) -> None:
        """What Tab leaves just before it comes here."""
        self._before = widget
        self._order()

    def say(self, sentence: str) -> QWidget:
        """Show `sentence` below the rows ("" takes it away); the label, to bring into sight."""
        self._fault.say(sentence)
        return self._fault

    @property
    def fault(self) -> str:
        return self._fault.sentence

    def _set(self, rows: Sequence[tuple[str, str]]) -> None:
        for row in tuple(self._rows):
            self._drop(row)
        for bar, words in rows:
            self._append(bar, words)
        self._dress()

    def _append(self, bar: str, words: str) -> _Row:
        row = _Row(bar, words)
        row.bar.changed.connect(self._on_edited)
        row.words.textChanged.connect(self._on_edited)
        row.remove.clicked.connect(lambda: self._on_remove(row))
        self._rows.append(row)
        self._list.addWidget(row)
        self._order()
        return row

    def _order(self) -> None:
        """Tab goes through the rows from the top: Qt itself would put new ones behind everything."""
        before = self._before
        if before is None:
            return
        for widget in (*(part for row in self._rows for part in (row.bar, row.words, row.remove)), self.add):
            self.setTabOrder(before, widget)
            before = widget

    def _drop(self, row: _Row) -> None:
        self._rows.remove(row)
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()

    def _dress(self) -> None:
        self.add.setEnabled(len(self._rows) < MAX_SECTIONS)

    def _on_add(self) -> None:
        bars = [bar for row in self._rows if isinstance(bar := row.bar.value(), int)]
        row = self._append(str(min(_LAST_BAR, max(bars, default=1) + _USUAL_BARS)), "")
        self._dress()
        row.words.setFocus()

    def _on_remove(self, row: _Row) -> None:
        self._drop(row)
        self._dress()
        self.add.setFocus()
        self._on_edited()

    def _on_edited(self) -> None:
        self.say("")
        self.edited.emit()
