"""A stem of another take in the one on show: which take, which stem, in place of a lane or on top of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from nur_studio.core.contract import MOST_STRETCH
from nur_studio.core.errors import StudioError
from nur_studio.core.licences import joint_licence
from nur_studio.core.names import short_key
from nur_studio.core.track import Track
from nur_studio.gui.controls import ElidedLabel
from nur_studio.gui.dialog_foot import DialogFoot
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.lane_names import in_order, lane_title
from nur_studio.gui.library_model import length_text
from nur_studio.gui.segments import SegmentedControl
from nur_studio.gui.theme import tokens
from nur_studio.studio.matching import Wish, fit_of, target_lane
from nur_studio.studio.parts import MIX_PART

_SEARCH_AFTER_MS = 120


@dataclass(frozen=True, slots=True)
class CombineChoice:
    """`stem` of the other take into the lane `into` of this one; "" is its namesake."""

    track_id: str
    other: Track
    stem: str
    into: str
    layer: bool
    repeat: bool


class CombineDialog(QDialog):
    """`into` is the lane that was asked for, "" the namesake of whatever stem is chosen. What cannot be is said at
    once, in the words of the rule that forbids it.
    """

    search_changed = Signal(str)  # which takes to offer
    combine_requested = Signal(object)  # CombineChoice

    def __init__(self, track: Track, into: str = "", stem: str = "", *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Use a stem of another take"))
        self.setMinimumWidth(520)
        self._track, self._into, self._stem = track, into, stem or into
        self._other: Track | None = None
        self._later = QTimer(self, singleShot=True, interval=_SEARCH_AFTER_MS)
        self._later.timeout.connect(lambda: self.search_changed.emit(self.search.text().strip()))
        self._build()
        self._show_other()

    def _build(self) -> None:
        title = ElidedLabel(self.tr("Into “{title}”").format(title=self._track.title))
        title.setProperty("role", "heading")
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search the library"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(self.tr("Search the takes to choose from"))
        self.search.textChanged.connect(lambda: self._later.start())
        self.takes = QListWidget()
        self.takes.setProperty("role", "choose")
        self.takes.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.takes.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.takes.setMinimumHeight(132)
        self.takes.currentItemChanged.connect(self._on_take)
        self.nothing = QLabel(self.tr("No other finished take matches."))
        self.nothing.setProperty("role", "dim")
        self.nothing.hide()
        self.from_take = ElidedLabel()
        self.from_take.hide()
        choosing = QVBoxLayout()
        choosing.setSpacing(6)
        for part in (self.search, self.takes, self.nothing, self.from_take):
            choosing.addWidget(part)
        self.stem = QComboBox()
        self.stem.activated.connect(self._on_stem)
        self.how = SegmentedControl([(False, ""), (True, "")])
        self.how.chosen.connect(lambda _: self._tell())
        self.repeat = QCheckBox(self.tr("Repeat whole bars to the end"))
        self.repeat.setToolTip(self.tr("It is shorter than this take: loop it, bar by bar"))
        self.repeat.toggled.connect(lambda _: self._tell())
        self.licence = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.licence.setProperty("role", "dim")
        self.stretch = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.stretch.setProperty("role", "dim")
        self.fault = FaultLabel()
        form = QGridLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.setColumnMinimumWidth(0, 56)
        form.setColumnStretch(1, 1)
        rows = ((self.tr("Take"), self.takes), (self.tr("Stem"), self.stem), (self.tr("Here"), self.how))
        for row, (text, widget) in enumerate(rows):
            label = QLabel(text)
            label.setProperty("role", "field")
            label.setBuddy(widget)
            widget.setAccessibleName(text)
            form.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop if row == 0 else Qt.AlignmentFlag.AlignVCenter)
        form.addLayout(choosing, 0, 1)
        form.addWidget(self.stem, 1, 1)
        form.addWidget(self.how, 2, 1)
        form.addWidget(self.repeat, 3, 1)
        form.addWidget(self.stretch, 4, 1)
        form.addWidget(self.licence, 5, 1)
        form.addWidget(self.fault, 6, 1)
        foot = DialogFoot(self.tr("Make a new track"))
        foot.cancel.clicked.connect(self.reject)
        self.go = foot.go
        self.go.clicked.connect(self._on_go)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(16)
        column.addWidget(title)
        column.addLayout(form)
        column.addStretch(1)
        column.addWidget(foot)

    # -- what is shown -------------------------------------------------------------------------------------------

    def show_takes(self, tracks: Sequence[Track]) -> None:
        """The takes to choose from; the first that fits is chosen unless one is."""
        chosen = self._other.id if self._other is not None else ""
        self.takes.blockSignals(True)
        self.takes.clear()
        for track in tracks:
            item = QListWidgetItem(_facts(track))
            item.setData(Qt.ItemDataRole.UserRole, track)
            if why_not := self._why_not(track, self._stem_for(track), layer=True, repeat=False):
                item.setToolTip(why_not)
                item.setForeground(tokens().color("dim"))
            self.takes.addItem(item)
        self.takes.blockSignals(False)
        self.takes.setVisible(bool(tracks))
        self.nothing.setVisible(not tracks)
        ids = [track.id for track in tracks]
        if chosen in ids:
            self.takes.setCurrentRow(ids.index(chosen))
        else:
            rows = [row for row in range(len(ids)) if not self.takes.item(row).toolTip()]
            self.takes.setCurrentRow(next((row for row in rows if not self._stretches(tracks[row])), (rows or [0])[0]))
        if not tracks:
            self._set_other(None)

    def set_other(self, other: Track) -> None:
        """This take was chosen already, by dropping it."""
        for widget in (self.search, self.takes, self.nothing):
            widget.hide()
        self.from_take.set_text(_facts(other))
        self.from_take.show()
        self._set_other(other)

    def choice(self) -> CombineChoice | None:
        """What is asked for; None while no take is chosen."""
        if self._other is None:
            return None
        return CombineChoice(
            self._track.id,
            self._other,
            str(self.stem.currentData()),
            self._into,
            self.how.value is True,
            self.repeat.isChecked() and not self.repeat.isHidden(),
        )

    def _set_other(self, other: Track | None) -> None:
        self._other = other
        self._show_other()

    def _show_other(self) -> None:
        other = self._other
        wanted = self._stem_for(other) if other is not None else MIX_PART
        self.stem.clear()
        for name in (*in_order(other.lanes), MIX_PART) if other is not None else ():
            self.stem.addItem(self.tr("All of it") if name == MIX_PART else lane_title(name), name)
        self.stem.setCurrentIndex(max(0, self.stem.findData(wanted)))
        self.stem.setEnabled(self.stem.count() > 1)
        shorter = other is not None and other.has_tempo and other.duration_s < self._track.duration_s
        self.repeat.setVisible(shorter)
        licence = joint_licence(self._track.licence, other.licence) if other is not None else ""
        self.licence.setText(self.tr("Licence of the new track: {licence}").format(licence=licence) if licence else "")
        self.licence.setVisible(bool(licence))
        self._tell()

    def _stem_for(self, other: Track) -> str:
        """What one would want of it: the stem that was dropped or asked for, where it has such a one."""
        return self._stem if self._stem in other.lanes else MIX_PART

    def _tell(self) -> None:
        """The two ways, by the name of the lane; and what stands against what is chosen."""
        stem = str(self.stem.currentData() or MIX_PART)
        replaceable = not self._why_no_lane(Wish(stem, self._into))
        lane = lane_title(self._lane_for(stem)).lower()
        self.how.button(False).setText(self.tr("Replace {lane}").format(lane=lane))
        self.how.button(True).setText(self.tr("Layer on {lane}").format(lane=lane))
        self.how.button(False).setEnabled(replaceable)
        if not replaceable:
            self.how.set_value(True)
        choice, fault = self.choice(), ""
        if choice is not None:
            fault = self._why_not(choice.other, stem, layer=choice.layer, repeat=choice.repeat)
        self._say_stretch(choice, fault)
        self.fault.say(fault)
        self.go.setEnabled(choice is not None and not fault)

    def _say_stretch(self, choice: CombineChoice | None, fault: str) -> None:
        """That its tempo is another one, and is brought to this one's."""
        text = ""
        if choice is not None and not fault:
            fit = fit_of(self._track, choice.other, Wish(choice.stem, repeat=choice.repeat), can_stretch=True)
            if fit.ratio != 1.0:
                text = self.tr("It is brought from {theirs} to {ours} BPM").format(
                    theirs=f"{choice.other.exact_tempo:.6g}", ours=f"{fit.tempo:.6g}"
                )
                if abs(fit.ratio - 1.0) > MOST_STRETCH:
                    text = self.tr("{text}, which may be heard").format(text=text)
        self.stretch.setText(f"{text}." if text else "")
        self.stretch.setVisible(bool(text))

    def _stretches(self, other: Track) -> bool:
        """Whether it would have to be brought to this take's tempo."""
        return fit_of(self._track, other, Wish(self._stem_for(other)), can_stretch=True).ratio != 1.0

    def _lane_for(self, stem: str) -> str:
        """What people call the place where it goes."""
        if not self._track.lanes:
            return MIX_PART
        lane = self._into or stem
        return "other" if lane == MIX_PART else lane

    def _why_no_lane(self, wish: Wish) -> str:
        try:
            target_lane(self._track, wish)
        except StudioError as error:
            return str(error)
        return ""

    def _why_not(self, other: Track, stem: str, *, layer: bool, repeat: bool) -> str:
        wish = Wish(stem, self._into, layer, repeat)
        if fault := self._why_no_lane(wish):
            return fault
        try:
            fit_of(self._track, other, wish, can_stretch=True)
        except StudioError as error:
            return str(error)
        return ""

    # -- slots ---------------------------------------------------------------------------------------------------

    def _on_take(self, item: QListWidgetItem | None) -> None:
        track = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        self._set_other(track if isinstance(track, Track) else None)

    def _on_stem(self) -> None:
        self._stem = str(self.stem.currentData())
        self._tell()

    def _on_go(self) -> None:
        choice = self.choice()
        if choice is not None:
            self.combine_requested.emit(choice)
            self.accept()


def _facts(track: Track) -> str:
    tempo = f"{track.exact_tempo:.6g} BPM" if track.has_tempo else ""
    facts = (track.title, tempo, short_key(track.key), length_text(track.duration_s))
    return "  ·  ".join(fact for fact in facts if fact)
