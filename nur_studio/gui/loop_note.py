"""What the marked loop is worth, in a few words, and a switch to hear it as it would be exported."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize, Qt, Signal
from PySide6.QtWidgets import QToolButton, QWidget

from nur_studio.gui.icons import icon

_GOOD, _FAIR = 0.8, 0.5
_AIR = 32  # px beside icon and words: paddings, borders, and between them


def seam_word(score: float) -> tuple[str, str]:
    """A word for how the ends of a loop meet, and its colour."""
    if score >= _GOOD:
        return QCoreApplication.translate("LoopNote", "good"), "good"
    if score >= _FAIR:
        return QCoreApplication.translate("LoopNote", "fair"), "warning"
    return QCoreApplication.translate("LoopNote", "rough"), "error"


class LoopNote(QToolButton):
    """`4 bars · seam 0.93 · good`. Hidden where the marked part is not of whole bars."""

    hear_toggled = Signal(bool)  # by a person
    told = Signal()  # it says something else, and needs another width

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars = 0
        self._score: float | None = None
        self._fault = ""
        self._brief = 0
        self.setProperty("role", "chip")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(10, 10))
        self.clicked.connect(self._on_clicked)
        self.hide()

    @property
    def there(self) -> bool:
        """Whether there is a loop to speak of, with or without room for it."""
        return self._bars > 0

    def clear(self) -> None:
        """No loop of whole bars is marked."""
        self._bars = 0
        self.setChecked(False)
        self._say()

    def show_bars(self, bars: int) -> None:
        """A loop of so many bars; how it loops is being looked at."""
        self._bars, self._score, self._fault = bars, None, ""
        self._say()

    def show_score(self, score: float) -> None:
        """How its end meets its beginning: 1 is no more of a step than from beat to beat."""
        self._score, self._fault = score, ""
        self._say()

    def show_fault(self, sentence: str) -> None:
        """It cannot be a loop, and why."""
        self._score, self._fault = None, sentence
        self.setChecked(False)
        self._say()

    def set_brief(self, brief: int) -> None:
        """How many of its words to give up, 0 to 2; 3: there is no room for it at all."""
        if brief != self._brief:
            self._brief = brief
            self._show()

    def sizeHint(self) -> QSize:
        # The style's own leaves room for more than there is.
        words = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(words + self.iconSize().width() + _AIR, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _on_clicked(self) -> None:
        self._say()
        self.hear_toggled.emit(self.isChecked())

    def setChecked(self, on: bool) -> None:
        super().setChecked(on)
        self._say()

    def _say(self) -> None:
        before = (self.isHidden(), self.text())
        self._show()
        if before != (self.isHidden(), self.text()):
            self.told.emit()

    def _show(self) -> None:
        self.setVisible(self.there and self._brief < 3)
        if not self.there:
            return
        whole = self.tr("1 bar") if self._bars == 1 else self.tr("{bars} bars").format(bars=self._bars)
        word, color = self._judged()
        if self._score is None:
            text = whole
        elif self._brief == 0:
            text = self.tr("{bars} · seam {score:.2f} · {word}").format(bars=whole, score=self._score, word=word)
        else:
            text = f"{whole} · {self._score:.2f}" if self._brief == 1 else f"{self._score:.2f}"
        self.setIcon(icon("dot", color, on=color))
        self.setText(text)
        self.setEnabled(not self._fault)
        self.setToolTip(self._fault or self._tip(whole, word))
        self.setAccessibleName(self._fault or self.tr("Hear the loop as it is exported"))

    def _judged(self) -> tuple[str, str]:
        """A word for the seam, and the colour of its dot."""
        return ("", "faint") if self._score is None else seam_word(self._score)

    def _tip(self, whole: str, word: str) -> str:
        if self.isChecked():
            return self.tr("You hear the loop as it is exported. Click: as it lies in the take (Shift+L)")
        if self._score is None:
            return self.tr("{bars}: how its end meets its beginning is being looked at").format(bars=whole)
        return self.tr(
            "{bars}: its end meets its beginning with a score of {score:.2f}, {word} (1: no more of a step than from "
            "beat to beat). Click: hear it as it is exported, its ends brought together (Shift+L)"
        ).format(bars=whole, score=self._score, word=word)
