"""Where the stems of a track would be: the offer to take it apart, with the choice of separator."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from nur_studio.engines.base import EngineInfo
from nur_studio.gui.controls import ElidedLabel


class StemsOffer(QFrame):
    """A line below the mix. It takes no room where there are stems."""

    requested = Signal()
    separator_chosen = Signal(str)  # its name, whether it is here or not

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self._working = False
        self.words = ElidedLabel()
        self.words.setProperty("role", "dim")
        self.button = QPushButton(self.tr("Separate into stems"))
        self.button.clicked.connect(self.requested)
        self.separator = QComboBox()
        self.separator.setAccessibleName(self.tr("Separator"))
        self.separator.activated.connect(lambda row: self.separator_chosen.emit(str(self.separator.itemData(row))))
        label = QLabel(self.tr("with"))
        label.setProperty("role", "dim")
        label.setBuddy(self.separator)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self.words, 1)
        row.addWidget(self.button)
        row.addWidget(label)
        row.addWidget(self.separator)
        self.set_working(False)

    def set_separators(self, separators: Sequence[EngineInfo], chosen: str) -> None:
        """Offer these; one that cannot run here says so, and choosing it leads to where it can be had."""
        self.separator.clear()
        for row, info in enumerate(separators):
            away = self.tr("{title} (not here yet)").format(title=info.title)
            self.separator.addItem(away if info.why_not else info.title, info.name)
            self.separator.setItemData(
                row, info.why_not or f"{info.summary}\n{info.licence}", Qt.ItemDataRole.ToolTipRole
            )
        self.separator.setCurrentIndex(self.separator.findData(chosen))
        self.separator.setPlaceholderText(self.tr("none is here yet"))
        tip = next((f"{info.summary} {info.licence}." for info in separators if info.name == chosen), "")
        self.separator.setToolTip(tip)
        if chosen:
            self.button.setToolTip(self.tr("Take this track apart; its stems add up to it exactly (T)"))
        else:
            self.button.setToolTip(self.tr("Get what takes tracks apart, then this one can be (T)"))

    def set_working(self, on: bool) -> None:
        """Whether this very track is being separated, or waits for it."""
        self._working = on
        self.words.set_text(
            self.tr("Its stems are on their way.") if on else self.tr("This track is one piece: no stems yet.")
        )
        self.button.setEnabled(not on)
        self.separator.setEnabled(not on)
