"""What the track is: title, star, engine, licence, seed and date; tempo, key and the takes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QDateTime, QEvent, QLocale, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from nur_studio.core.story import tempo_story
from nur_studio.core.track import Status, Track
from nur_studio.gui.controls import ElidedLabel, Fact, FactsLine, icon_button
from nur_studio.gui.engine_names import unlisted
from nur_studio.gui.icons import icon
from nur_studio.gui.library_menu import no_request
from nur_studio.gui.recipe_card import RecipeCard
from nur_studio.gui.tempo_words import tempo_facts, tempo_tip

_EXACT = 0.005  # a measured tempo this close to the asked one is the asked one
_ROOMY = 760  # px
_THIN = "\u202f"


class TitleEdit(QWidget):
    """A title that turns into a line to type in: double click, F2 or Enter; Escape takes nothing over."""

    renamed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = ElidedLabel()
        self.label.setProperty("role", "title")
        self.line = QLineEdit()
        self.line.setProperty("role", "title")
        self.line.setMaxLength(200)
        self.line.setAccessibleName(self.tr("Title"))
        self.line.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.label)
        row.addWidget(self.line)
        self.setFixedHeight(32)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setToolTip(self.tr("Double click to rename (F2)"))
        self.line.returnPressed.connect(self._on_done)
        self.line.installEventFilter(self)

    def sizeHint(self) -> QSize:
        return QSize(360, 32) if self.editing else QSize(self.label.sizeHint().width() + 4, 32)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 32)

    @property
    def editing(self) -> bool:
        return not self.line.isHidden()

    def set_title(self, title: str) -> None:
        self._leave()
        self.label.set_text(title)
        self.setAccessibleName(self.tr("Title: {title}").format(title=title))
        self.updateGeometry()

    def edit(self) -> None:
        self.line.setText(self.label.whole_text)
        self.label.hide()
        self.line.show()
        self.line.selectAll()
        self.line.setFocus(Qt.FocusReason.OtherFocusReason)
        self.updateGeometry()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.edit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_F2, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.edit()
            return
        super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and self.editing:
            if event.type() == QEvent.Type.FocusOut:
                self._on_done()
            elif isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
                if event.type() == QEvent.Type.KeyPress:
                    self._leave()
                return True
        return super().eventFilter(watched, event)

    def _on_done(self) -> None:
        if not self.editing:
            return
        title = " ".join(self.line.text().split())
        changed = bool(title) and title != self.label.whole_text
        self._leave()
        if changed:
            self.label.set_text(title)
            self.renamed.emit(title)

    def _leave(self) -> None:
        # Hidden before anything else: hiding takes the focus away, which must not count as done once more.
        if self.editing:
            self.line.hide()
            self.label.show()
            self.updateGeometry()


class TrackHeader(QWidget):
    """The top of the track view."""

    rename_requested = Signal(str)
    star_toggled = Signal(bool)
    take_selected = Signal(str)  # track id
    another_take_requested = Signal()
    extend_requested = Signal()
    original_toggled = Signal(bool)  # use the take as it was made, or as it was asked for

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._extendable = self._done = False
        self.engine_titles: dict[str, str] = {}
        self._ids: list[str] = []
        self._tempo: tuple[Fact, ...] = ()
        self.title = TitleEdit()
        self.star = icon_button("star", self.tr("Star (Ctrl+D)"), role="icon-flat", color="dim", on="bass")
        self.star.setCheckable(True)
        self.info = icon_button("info", self.tr("How this take was made (I)"), role="icon-flat", color="dim")
        self._track: Track | None = None
        self.facts = FactsLine()
        self.tempo = FactsLine("", badge=True)
        self.original = icon_button("undo", "", role="icon-flat", size=16, color="dim", on="accent")
        self.original.setCheckable(True)
        self.original.hide()
        self.key = FactsLine(badge=True)
        self.more = icon_button("plus", self.tr("Make another take of the same request"), role="take", size=14)
        self.extend = QToolButton()
        self.extend.setText(self.tr("Extend"))
        self.extend.setProperty("role", "word")
        self.extend.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.extend.setToolTip(self.tr("Go on from this take with new music, or from what is marked of it (E)"))
        self.extend.setAccessibleName(self.tr("Extend this take"))
        self.extend.hide()
        self.takes = QButtonGroup(self)
        self._take_row = QHBoxLayout()
        self._take_row.setSpacing(4)
        left = QVBoxLayout()
        left.setSpacing(2)
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.title)
        top.addWidget(self.star)
        top.addWidget(self.info)
        top.addStretch(1)
        left.addLayout(top)
        left.addWidget(self.facts)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addLayout(left, 1)
        bottom = Qt.AlignmentFlag.AlignBottom
        row.addSpacing(8)
        row.addWidget(self.tempo, 0, bottom)
        row.addWidget(self.original, 0, bottom)
        row.addWidget(self.key, 0, bottom)
        row.addLayout(self._take_row)
        self._take_row.setAlignment(bottom)
        self._take_row.addWidget(self.more, 0, bottom)
        self._take_row.addWidget(self.extend, 0, bottom)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.title.renamed.connect(self.rename_requested)
        self.star.toggled.connect(self._on_star)
        self.more.clicked.connect(self.another_take_requested)
        self.extend.clicked.connect(self.extend_requested)
        self.info.clicked.connect(self.open_recipe)
        self.original.clicked.connect(self.original_toggled)
        self.takes.idClicked.connect(self._on_take)

    def set_extendable(self, on: bool) -> None:
        """Whether the chosen engine can go on from other music."""
        self._extendable = on
        self.extend.setVisible(on and self._done)

    def open_recipe(self) -> None:
        """Say how the take on show was made."""
        if self._track is not None:
            RecipeCard(self._track, self.window()).open_below(self.info)

    def show_track(self, track: Track, takes: Sequence[Track]) -> None:
        self._track = track
        self._done = track.status is Status.COMPLETED
        self.set_extendable(self._extendable)
        self.title.set_title(track.title)
        blocked = self.star.blockSignals(True)
        self.star.setChecked(track.starred)
        self.star.blockSignals(blocked)
        self._draw_star(track.starred)
        self.facts.set_facts(self._facts(track))
        self.more.setEnabled(track.generated)
        self.more.setToolTip(no_request(track) or self.tr("Make another take of the same request"))
        self._show_tempo(track)
        self._show_original(track)
        self.key.set_facts([Fact(track.key, "text")] if track.key else [])
        self.key.setToolTip(self.tr("Key"))
        self._show_takes(track, takes)

    def _facts(self, track: Track) -> list[Fact]:
        noncommercial = "NC" in track.licence.upper().replace("-", " ").split()
        licence = track.licence
        if noncommercial:  # in short; the recipe has all of its words
            licence = self.tr("{licence}, not for sale").format(licence=licence.split(":")[0].strip())
        made = QLocale().toString(QDateTime.fromSecsSinceEpoch(int(track.created_at.timestamp())), "d MMM, HH:mm")
        engine = self.engine_titles.get(track.engine) or unlisted(track.engine)
        seed = self.tr("seed {seed}").format(seed=f"{track.seed:,}".replace(",", _THIN))
        facts = [Fact(engine), Fact(licence, "warning" if noncommercial else "dim"), Fact(seed), Fact(made)]
        return [fact for fact in facts if track.generated or fact.text != seed]

    def _show_tempo(self, track: Track) -> None:
        facts, tip = [Fact(self.tr("{tempo} BPM").format(tempo=track.tempo), "text")], self.tr("Tempo")
        story = tempo_story(track)
        if story is not None and story.asked is not None and track.status is Status.COMPLETED:
            facts, tip = tempo_facts(track, story), tempo_tip(track, story)
        elif not track.has_tempo:
            facts, tip = [Fact(self.tr("no steady beat"), "dim")], self.tr("No tempo is claimed for this track")
        elif not track.generated and track.tempo_measured is not None:
            facts = [Fact(self.tr("{tempo} BPM").format(tempo=f"{track.tempo_measured:.2f}"), "text")]
            tip = self.tr("The tempo heard in the audio")
        elif track.tempo_measured is not None:
            wanted = track.tempo_asked if track.tempo_asked is not None else track.tempo
            exact = abs(track.tempo_measured - wanted) <= _EXACT * wanted
            heard = f"{track.tempo_measured:.2f}"
            word = self.tr("asked {tempo}") if track.tempo_asked is not None else self.tr("chosen {tempo}")
            facts = [
                Fact(word.format(tempo=wanted), "text"),
                Fact("  →  ", "dim"),
                Fact(self.tr("measured "), "text"),
                Fact(self.tr("{tempo} BPM").format(tempo=heard), "good" if exact else "warning"),
            ]
            tip = self.tr("The tempo that was wanted, and the one heard in the finished audio")
        elif track.status is Status.COMPLETED:
            tip = self.tr("No steady beat was heard in the finished audio")
        self._tempo = tuple(facts)
        self._fit()
        self.tempo.setToolTip(tip)

    def _show_original(self, track: Track) -> None:
        """The way from a take as it was asked for to the one that was made, and back."""
        story = tempo_story(track)
        there = story is not None and story.original and not story.open and track.status is Status.COMPLETED
        self.original.setVisible(there)
        if there and story is not None:
            self.original.setChecked(story.as_made or not (story.stretched or story.moved_s))
            name = (
                self.tr("The original is in use: bring it to {asked} BPM").format(asked=story.asked)
                if self.original.isChecked()
                else self.tr("Use the original, as it was made")
            )
            self.original.setToolTip(name)
            self.original.setAccessibleName(name)

    def _show_takes(self, track: Track, takes: Sequence[Track]) -> None:
        takes = sorted(takes or (track,), key=lambda take: take.take)
        for button in self.takes.buttons():
            self.takes.removeButton(button)
            self._take_row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._ids = [take.id for take in takes]
        for number, take in enumerate(takes):
            button = QToolButton()
            button.setText(take.take_letter)
            button.setCheckable(True)
            button.setProperty("role", "take")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            name = self.tr("Take {letter}").format(letter=take.take_letter)
            state = {
                Status.PENDING: self.tr("waiting"),
                Status.PROCESSING: self.tr("being made"),
                Status.FAILED: self.tr("failed"),
            }.get(take.status, "")
            button.setToolTip(f"{name}, {state}" if state else name)
            button.setAccessibleName(button.toolTip())
            self.takes.addButton(button, number)
            self._take_row.insertWidget(number, button, 0, Qt.AlignmentFlag.AlignBottom)
            if take.id == track.id:
                button.setChecked(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        # Where room is short the badge keeps the result; its tooltip and the recipe know the rest.
        self.tempo.set_facts(self._tempo if self.width() >= _ROOMY else self._tempo[-1:])

    def _on_star(self, on: bool) -> None:
        self._draw_star(on)
        self.star_toggled.emit(on)

    def _draw_star(self, on: bool) -> None:
        self.star.setIcon(icon("star-filled" if on else "star", "dim", on="bass"))

    def _on_take(self, number: int) -> None:
        self.take_selected.emit(self._ids[number])
