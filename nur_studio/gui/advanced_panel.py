"""What a model can be told beside the request: the description it is sent, what to avoid, how it samples, its end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from nur_studio.core.controls import GUIDANCE, MAX_DESCRIPTION, MAX_TOP_K, TEMPERATURE, WINDOW_S, Controls
from nur_studio.engines.musicgen.longform import CARRY_SHARE
from nur_studio.gui.compose_form import mark
from nur_studio.gui.fields import DecimalField, FaultLabel, NumberField, TextField

_DESCRIPTION_HEIGHT = 92
_USUAL_GUIDANCE = 3.0  # what every published MusicGen was tuned for
_TYPED = 2 * MAX_DESCRIPTION  # what a line takes; the core says what is too much


class AdvancedPanel(QWidget):
    """Fields named as in `Controls`. Everything has a default that needs no touching: an empty field is that default.

    The description follows prompt and fields until somebody writes another; then that one stays until it is reset.
    """

    edited = Signal(str)  # field
    left = Signal(str)  # field whose editing is over

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._auto = ""
        self._own = self._drawn = False
        self._faults: dict[str, FaultLabel] = {}
        self._build()
        self.description.textChanged.connect(self._on_description)
        self.reset.clicked.connect(self.reset_description)
        self.negative.textChanged.connect(lambda: self._tell("negative"))
        for name in ("guidance", "temperature", "top_k", "window_s"):
            field = self._fields[name]
            assert isinstance(field, DecimalField | NumberField)
            field.changed.connect(lambda name=name: self._tell(name))
            field.editingFinished.connect(lambda name=name: self.left.emit(name))
        self.count_in.toggled.connect(lambda: self._tell("count_in"))
        self.bar_one.toggled.connect(lambda: self._tell("bar_one"))

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        head = QHBoxLayout()
        label = QLabel(self.tr("Sent to the model"))
        label.setProperty("role", "field")
        self.reset = QPushButton(self.tr("Reset"))
        self.reset.setProperty("role", "link")
        self.reset.setToolTip(self.tr("Back to the words made of prompt, genre, tempo and key"))
        self.reset.hide()
        head.addWidget(label)
        head.addStretch(1)
        head.addWidget(self.reset)
        column.addLayout(head)
        self.description = TextField(_DESCRIPTION_HEIGHT)
        self.description.setFixedHeight(_DESCRIPTION_HEIGHT)
        self.description.setAccessibleName(self.tr("Description sent to the model"))
        self.description.setToolTip(
            self.tr(
                "Made of your prompt and the fields, in the form the model was trained on. Edit it to send your own"
            )
        )
        self.description.setPlaceholderText(self.tr("Follows from the prompt"))
        label.setBuddy(self.description)
        column.addWidget(self.description)
        self._says = QLabel()
        self._says.setProperty("role", "dim")
        self._says.setWordWrap(True)
        self._says.hide()
        column.addWidget(self._says)
        self._faults["description"] = FaultLabel()
        column.addWidget(self._faults["description"])

        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnMinimumWidth(0, 84)
        self._grid.setColumnStretch(1, 1)
        column.addLayout(self._grid)
        self.negative = QLineEdit()
        self.negative.setAcceptDrops(False)  # a file that is dropped here is the panel's
        self.negative.setMaxLength(_TYPED)
        self.negative.setPlaceholderText(self.tr("vocals, distortion …"))
        self.negative.setToolTip(self.tr("What to steer away from, in a few words"))
        self._row("negative", self.tr("Avoid"), self.negative)
        self.guidance = DecimalField(*GUIDANCE, _USUAL_GUIDANCE)
        self.guidance.setPlaceholderText(self.tr("auto · {value:g}").format(value=_USUAL_GUIDANCE))
        self.guidance.setToolTip(
            self.tr("How closely to follow the words, {low:g} to {high:g}. Higher obeys more and varies less").format(
                low=GUIDANCE[0], high=GUIDANCE[1]
            )
        )
        self._row("guidance", self.tr("Guidance"), self.guidance)
        usual = Controls()
        self.temperature = DecimalField(*TEMPERATURE, usual.temperature)
        self.temperature.setPlaceholderText(f"{usual.temperature:g}")
        self.temperature.setToolTip(
            self.tr("How daring, {low:g} to {high:g}: lower repeats itself, higher loses the thread").format(
                low=TEMPERATURE[0], high=TEMPERATURE[1]
            )
        )
        self._row("temperature", self.tr("Temperature"), self.temperature)
        self.top_k = NumberField(0, MAX_TOP_K, usual.top_k)
        self.top_k.setPlaceholderText(str(usual.top_k))
        self.top_k.setToolTip(
            self.tr("From how many of the likeliest sounds to choose, 0 (all) to {high}").format(high=MAX_TOP_K)
        )
        self._row("top_k", self.tr("Top-k"), self.top_k)
        self.window_s = NumberField(*WINDOW_S, WINDOW_S[1])
        self.window_s.setPlaceholderText(self.tr("auto · {seconds} s").format(seconds=WINDOW_S[1]))
        self.window_s.setToolTip(
            self.tr(
                "Seconds made at once, {low} to {high}. Longer pieces are made in windows of this length, each going "
                "on from the last bars of the one before, about {carry} s of {high}. Shorter windows need less memory, "
                "and remember less of what was played"
            ).format(low=WINDOW_S[0], high=WINDOW_S[1], carry=round(CARRY_SHARE * WINDOW_S[1]))
        )
        self._row("window_s", self.tr("Window"), self.window_s)
        self.count_in = QCheckBox(self.tr("Count-in for the tempo"))
        self.count_in.setToolTip(
            self.tr("Start on a drum loop at the asked tempo, and drop that loop; not where music is continued")
        )
        self.bar_one = QCheckBox(self.tr("Start at bar 1"))
        self.bar_one.setToolTip(
            self.tr(
                "Where a tempo was asked and a steady beat is found, the first bar begins with the first sample: what "
                "comes before it is cut, and made longer at the end"
            )
        )
        self.bar_one.setChecked(usual.bar_one)
        column.addWidget(self.count_in)
        column.addWidget(self.bar_one)
        self._fields: dict[str, QWidget] = {
            "description": self.description,
            "negative": self.negative,
            "guidance": self.guidance,
            "temperature": self.temperature,
            "top_k": self.top_k,
            "window_s": self.window_s,
        }

    def _row(self, name: str, text: str, field: QWidget) -> None:
        row = self._grid.rowCount()
        label = QLabel(text)
        label.setProperty("role", "field")
        label.setBuddy(field)
        field.setAccessibleName(text)
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(field, row, 1)
        self._faults[name] = FaultLabel()
        self._grid.addWidget(self._faults[name], row + 1, 1)

    # -- values --------------------------------------------------------------------------------------------------

    def controls(self) -> Controls:
        """What the fields say; numbers that are none are carried as they were typed."""
        usual = Controls()
        guidance: Any = self.guidance.value()
        temperature: Any = self.temperature.value()
        top_k: Any = self.top_k.value()
        window_s: Any = self.window_s.value()
        return Controls(
            description=self.description.toPlainText().strip() if self._own else None,
            negative=self.negative.text().strip(),
            guidance=guidance,
            temperature=usual.temperature if temperature is None else temperature,
            top_k=usual.top_k if top_k is None else top_k,
            count_in=self.count_in.isChecked() and self.count_in.isEnabled() and not self.count_in.isHidden(),
            window_s=window_s,
            bar_one=self.bar_one.isChecked(),
        )

    def set_controls(self, controls: Controls) -> None:
        """Fill every field; what is the default stays empty."""
        usual = Controls()
        self._show(controls.description)
        self.negative.setText(controls.negative)
        self.guidance.set_value(controls.guidance)
        self.temperature.set_value(None if controls.temperature == usual.temperature else controls.temperature)
        self.top_k.set_value(None if controls.top_k == usual.top_k else controls.top_k)
        self.window_s.set_value(controls.window_s)
        self.count_in.setChecked(controls.count_in)
        self.bar_one.setChecked(controls.bar_one)

    def draft(self) -> dict[str, str]:
        """Everything as it was typed."""
        return {
            "description": self.description.toPlainText() if self._own else "",
            "negative": self.negative.text(),
            "guidance": self.guidance.text(),
            "temperature": self.temperature.text(),
            "top_k": self.top_k.text(),
            "window_s": self.window_s.text(),
            "count_in": _word(self.count_in.isChecked()),
            "bar_one": _word(self.bar_one.isChecked()),
        }

    def restore(self, draft: Mapping[str, str]) -> None:
        """Put a draft back; what it does not have stays."""
        if "description" in draft:
            self._show(draft["description"] or None)
        for name, field in (
            ("negative", self.negative),
            ("guidance", self.guidance),
            ("temperature", self.temperature),
            ("top_k", self.top_k),
            ("window_s", self.window_s),
        ):
            field.setText(draft.get(name, field.text()))
        for name, box in (("count_in", self.count_in), ("bar_one", self.bar_one)):
            box.setChecked(draft.get(name, _word(box.isChecked())) == "yes")

    def changed_count(self) -> int:
        """How many of the fields are not left to their defaults."""
        controls, usual = self.controls(), Controls()
        names = ("description", "negative", "guidance", "temperature", "top_k", "count_in", "bar_one", "window_s")
        return sum(getattr(controls, name) != getattr(usual, name) for name in names)

    def set_abilities(self, can: Collection[str]) -> None:
        """Offer only what the engine can."""
        self.count_in.setVisible("count-in" in can)

    def set_continues(self, on: bool) -> None:
        """Other music is continued, and counts in by itself."""
        self.count_in.setEnabled(not on)

    # -- the description -----------------------------------------------------------------------------------------

    def show_description(self, text: str, *, drawn: bool = False) -> None:
        """What is sent as long as nobody wrote something else; `drawn`: but for a tempo that each take draws anew."""
        self._auto, self._drawn = text, drawn and bool(text)
        if not self._own:
            self._show(None)

    def reset_description(self) -> None:
        """Send again what follows from prompt and fields."""
        self._show(None)
        self._tell("description")

    def _show(self, own: str | None) -> None:
        """`own` words, or None for those that follow from the prompt."""
        self._own = own is not None
        text = self._auto if own is None else own
        if text != self.description.toPlainText():
            blocked = self.description.blockSignals(True)
            self.description.setPlainText(text)
            self.description.blockSignals(blocked)
        self._dress()

    def _on_description(self) -> None:
        text = self.description.toPlainText()
        self._own = text != self._auto and bool(text.strip())
        self._dress()
        self._tell("description")

    def _dress(self) -> None:
        self.reset.setVisible(self._own)
        if self._own:
            self._says.setText(self.tr("These words are sent as they are; the prompt only names the take."))
        else:
            self._says.setText(self.tr("You named no tempo: each take draws its own near this one."))
        self._says.setVisible(self._own or self._drawn)

    # -- faults --------------------------------------------------------------------------------------------------

    def widget(self, field: str) -> QWidget | None:
        """Where `field` of the controls is entered."""
        return self._fields.get(field)

    def say(self, field: str, sentence: str) -> QWidget:
        """Show `sentence` below `field` ("" takes it away); the label, to bring into sight."""
        self._faults[field].say(sentence)
        mark(self._fields[field], bool(sentence))
        return self._faults[field]

    def fault(self, field: str) -> str:
        return self._faults[field].sentence

    def clear_faults(self) -> None:
        for field in self._faults:
            self.say(field, "")

    def _tell(self, field: str) -> None:
        if field in self._faults:
            self.say(field, "")
        self.edited.emit(field)


def _word(on: bool) -> str:
    return "yes" if on else "no"
