"""A quiet line above the track: offers MusicGen while no model is here, and shows a download that goes on beside."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from nur_studio.core.progress import Progress
from nur_studio.gui.amounts import size
from nur_studio.gui.controls import icon_button
from nur_studio.gui.model_view import ModelView, Place, how_far

_STEPS = 1000


class Banner(QWidget):
    """Takes no room while there is nothing to say."""

    models_requested = Signal()
    import_requested = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wanted, self._room = False, True
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.heading = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.sentence = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.sentence.setProperty("role", "dim")
        self.progress = QProgressBar(textVisible=False, maximum=_STEPS)
        self.progress.setAccessibleName(self.tr("Progress of the download"))
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self.heading)
        words.addWidget(self.sentence)
        words.addWidget(self.progress)
        self.look = QPushButton(self.tr("See the models…"))
        self.look.setToolTip(self.tr("What each model is, needs and may be used for (Ctrl+Shift+M)"))
        self.look.clicked.connect(self.models_requested)
        self.bring = QPushButton(self.tr("From a folder…"))
        self.bring.setProperty("role", "flat")
        self.bring.setToolTip(self.tr("Weights that are here already, on this disk or on a stick: no network needed"))
        self.bring.clicked.connect(self.import_requested)
        self.close_button = icon_button("close", self.tr("Do not offer this again"), role="icon-flat", size=14)
        self.close_button.clicked.connect(self.dismissed)
        frame = QFrame()
        frame.setProperty("role", "banner")
        row = QHBoxLayout(frame)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(8)
        row.addLayout(words, 1)
        row.addSpacing(8)
        row.addWidget(self.bring)
        row.addWidget(self.look)
        row.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 12, 20, 0)
        column.addWidget(frame)
        self.rest()

    def offer(self, view: ModelView, place: Place) -> None:
        """Say what the smallest model is and takes."""
        self.heading.setText(self.tr("More than synthesis: MusicGen, on this machine"))
        self.sentence.setText(
            self.tr("{title}: download {download}, {free} free · memory {memory} of {all} · {licence}").format(
                title=view.info.title,
                download=size(view.missing_bytes),
                free=size(place.free_bytes),
                memory=size(view.info.memory_bytes(4)),
                all=size(place.memory_bytes),
                licence=self.tr("{licence}, not for sale").format(licence=view.info.licence.partition(":")[0]),
            )
        )
        self._show(progress=False)

    def show_work(self, what: str, progress: Progress | None) -> None:
        """Something is on its way while no dialog shows it."""
        stage, rate = how_far(progress)
        self.heading.setText(what)
        self.sentence.setText(" · ".join(word for word in (stage[:1].upper() + stage[1:], rate) if word))
        self.progress.setValue(round(_STEPS * progress.fraction) if progress else 0)
        self._show(progress=True)

    def rest(self) -> None:
        """Nothing is to be said."""
        self._wanted = False
        self._dress()

    def set_room(self, room: bool) -> None:
        """Whether there is height for it; where there is none it waits, and the engine menu leads to the models."""
        self._room = room
        self._dress()

    def _dress(self) -> None:
        self.setVisible(self._wanted and self._room)

    def _show(self, *, progress: bool) -> None:
        self.progress.setVisible(progress)
        self.bring.setVisible(not progress)
        self.close_button.setVisible(not progress)
        self._wanted = True
        self._dress()
