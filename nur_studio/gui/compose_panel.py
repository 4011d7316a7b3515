"""The compose panel: a prompt and its choices become a request; says what it heard and what is wrong, where it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from nur_studio.core.errors import InvalidRequest
from nur_studio.core.genres import Genre
from nur_studio.core.progress import Progress
from nur_studio.core.prompt import PromptReading
from nur_studio.core.request import MAX_GENRE, MAX_SEED, MAX_TEMPO, MIN_TEMPO, GenerationRequest
from nur_studio.gui.chips import Chips, suggestions
from nur_studio.gui.compose_form import ComposeForm
from nur_studio.gui.fields import FaultLabel, TextField
from nur_studio.gui.generate_bar import GenerateBar
from nur_studio.gui.heard import heard_line
from nur_studio.gui.steering import Steering
from nur_studio.gui.theme import theme_notifier, tokens

Read = Callable[[str, str | None, int | None], PromptReading]
Describe = Callable[[GenerationRequest], str]

_WIDTH = 300
_PROMPT_HEIGHT = (96, 176)  # grows where the window is tall
_READ_AFTER_MS = 60


class ComposePanel(QFrame):
    """Shows the request being written and emits it; what was typed stays until the person changes it."""

    generate_requested = Signal(object)  # GenerationRequest without a fault
    cancel_requested = Signal()
    keep_requested = Signal()  # end the running take here and keep what is made of it
    remove_requested = Signal(int)  # position in the list of waiting requests
    edited = Signal()  # anything a draft keeps has changed

    def __init__(self, read: Read, genres: Sequence[Genre], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._read, self._genres = read, tuple(genres)
        self._engine: str | None = None
        self._describe: Describe | None = None
        self.setObjectName("compose")
        self.setProperty("role", "panel")
        self.setFixedWidth(_WIDTH)
        self._build()
        self._later = QTimer(self, singleShot=True, interval=_READ_AFTER_MS)
        self._later.timeout.connect(self._on_read)
        self.prompt.textChanged.connect(self._on_prompt)
        self.form.edited.connect(self._on_form)
        self.form.left.connect(self._on_left)
        self.chips.picked.connect(self._on_chip)
        self.bar.generate_requested.connect(self.generate)
        self.bar.cancel_requested.connect(self.cancel_requested)
        self.bar.keep_requested.connect(self.keep_requested)
        self.steering.edited.connect(self._on_steering)
        self.steering.field_left.connect(self._on_left)
        self.bar.remove_requested.connect(self.remove_requested)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(keys), self, context=Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(self.generate)
        keep = QShortcut(QKeySequence("Ctrl+K"), self, context=Qt.ShortcutContext.WindowShortcut)
        keep.activated.connect(self.bar.keep)
        self.setAcceptDrops(True)
        theme_notifier().changed.connect(self._on_read)
        self._on_read()

    def _build(self) -> None:
        head = QLabel(self.tr("COMPOSE"))
        head.setProperty("role", "section")
        self.prompt = TextField(_PROMPT_HEIGHT[0])
        self.prompt.setMinimumHeight(_PROMPT_HEIGHT[0])
        self.prompt.setMaximumHeight(_PROMPT_HEIGHT[1])
        self.prompt.setPlaceholderText(
            self.tr("Chill lo-fi beat with jazzy Rhodes, brushed drums and rain, 76 bpm, D minor …")
        )
        self.prompt.setAccessibleName(self.tr("Prompt"))
        self.prompt.setToolTip(self.tr("What the music shall be: instruments, mood, style, tempo, key (Ctrl+L)"))
        self._prompt_fault = FaultLabel()
        self.heard = QLabel()
        self.heard.setProperty("role", "dim")
        self.heard.setWordWrap(True)
        self.heard.setTextFormat(Qt.TextFormat.RichText)
        self.heard.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.heard.setMinimumHeight(2 * self.fontMetrics().lineSpacing())  # two lines: the form must not jump
        self.chips = Chips()
        self.form = ComposeForm(self._genres)
        self.steering = Steering()

        # From the outermost inwards: whatever gets another parent is styled anew, with all that is in it.
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole.addWidget(self._scroll, 1)
        body = QWidget()
        body.setProperty("role", "panel")
        self._scroll.setWidget(body)
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 16, 16, 8)
        column.setSpacing(8)
        column.addWidget(head)
        column.addSpacing(4)
        column.addWidget(self.prompt, 1)
        column.addWidget(self._prompt_fault)
        column.addWidget(self.heard)
        column.addWidget(self.chips)
        column.addSpacing(8)
        column.addWidget(self.form)
        column.addWidget(self.steering)
        column.addStretch(0)
        self.bar = GenerateBar()
        whole.addWidget(self.bar)

    # -- the request ---------------------------------------------------------------------------------------------

    def request(self) -> GenerationRequest:
        """What the fields say, right or wrong."""
        request = self.form.request(self.prompt.toPlainText().strip(), self._engine)
        return replace(request, controls=replace(self.steering.controls(), loop=self.form.loop))

    def generate(self) -> None:
        """Check the fields, then ask for music; a fault is said where it is and the field gets the focus."""
        self._clear_faults()
        request = self.request()
        faults = list(request.faults())
        if (missing := self.steering.missing()) is not None:
            faults.append(missing)
        for fault in reversed(faults):  # the first one last: it keeps the focus
            self.show_fault(fault)
        if not faults:
            self.generate_requested.emit(request)

    def set_request(self, request: GenerationRequest) -> None:
        """Fill every field from a request."""
        self.prompt.setPlainText(request.prompt)
        self.form.set_request(request)
        self.steering.set_controls(request.controls)
        self._clear_faults()

    def use_prompt(self, prompt: str) -> None:
        """Put `prompt` into the editor, undoable, and the cursor behind it."""
        cursor = self.prompt.textCursor()
        cursor.select(cursor.SelectionType.Document)
        cursor.insertText(prompt)
        self.prompt.setTextCursor(cursor)
        self.prompt.setFocus()

    def focus_prompt(self) -> None:
        """Go on writing."""
        self.prompt.setFocus()

    def set_engine(self, name: str, why_not: str = "") -> None:
        """The engine that will play; `why_not` turns Generate off and says why."""
        self._engine = name
        self.bar.set_possible(why_not)

    def set_abilities(self, can: Collection[str]) -> None:
        """What the chosen engine can beside making music: only that is offered."""
        self.steering.set_abilities(can)

    def set_describe(self, describe: Describe) -> None:
        """Who says what a request's words become before a model hears them."""
        self._describe = describe
        self._on_read()

    def set_last_seed(self, seed: int) -> None:
        """The seed of the take on show: what "lock" keeps."""
        self.form.set_last_seed(seed)

    def bring_in_sight(self, part: QWidget) -> None:
        """Scroll to a part of the panel, once it is laid out."""
        QTimer.singleShot(0, part, lambda: self._scroll.ensureWidgetVisible(part, 0, 16))

    def draft(self) -> dict[str, str]:
        """Everything typed, as it was typed."""
        return {"prompt": self.prompt.toPlainText(), **self.form.draft(), **self.steering.draft()}

    def restore(self, draft: Mapping[str, str]) -> None:
        """Put a draft back; what it does not have stays."""
        self.prompt.setPlainText(draft.get("prompt", self.prompt.toPlainText()))
        self.prompt.moveCursor(self.prompt.textCursor().MoveOperation.End)
        self.form.restore(draft)
        self.steering.restore(draft)

    # -- faults, progress ----------------------------------------------------------------------------------------

    def show_fault(self, fault: InvalidRequest) -> None:
        """Say the core's sentence at the field it names, and go there."""
        field = self.form.widget(fault.field)
        if fault.field == "prompt":
            self._prompt_fault.say(str(fault))
            self.prompt.setFocus()
            self._scroll.ensureWidgetVisible(self._prompt_fault, 0, 16)
        elif field is not None:
            label = self.form.say(fault.field, str(fault))
            field.setFocus()
            self.bring_in_sight(label)
        elif (place := self.steering.say(fault.field, str(fault))) is not None:
            place[0].setFocus()
            self.bring_in_sight(place[1])
        else:
            self.show_failure(str(fault))

    def fault(self, field: str) -> str:
        """The sentence shown at `field`, or ""."""
        if field == "prompt":
            return self._prompt_fault.sentence
        return self.form.fault(field) if self.form.widget(field) is not None else self.steering.fault(field)

    def show_failure(self, sentence: str) -> None:
        """Say what went wrong with a generation, beside the button that started it."""
        self.bar.show_failure(sentence)

    def set_progress(self, progress: Progress | None, what: str = "") -> None:
        """The running work, or None when nothing runs; `what` comes before the stage ("Take 2 of 2")."""
        self.bar.set_progress(progress, what)

    def set_queue(self, titles: Sequence[str]) -> None:
        """The requests that wait, in order."""
        self.bar.set_queue(titles)

    def _clear_faults(self) -> None:
        self._prompt_fault.say("")
        self.form.clear_faults()
        self.steering.clear_faults()
        self.bar.show_failure("")

    # -- slots ---------------------------------------------------------------------------------------------------

    def _on_prompt(self) -> None:
        self._prompt_fault.say("")
        self._later.start()
        self.edited.emit()

    def _on_form(self, _: str) -> None:
        self._later.start()
        self.edited.emit()

    def _on_steering(self) -> None:
        self._later.start()
        self.edited.emit()

    def _on_left(self, field: str) -> None:
        """A field that is wrong says so as soon as it is left, not only at the end."""
        for fault in self.request().faults():
            if fault.field == field:
                (self.form if self.form.widget(field) is not None else self.steering).say(field, str(fault))

    def _on_chip(self, text: str, whole: bool) -> None:
        if whole:
            self.use_prompt(text)
            return
        cursor = self.prompt.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        written = self.prompt.toPlainText().rstrip()
        cursor.insertText(text if not written else (" " if written.endswith((",", ";", ".")) else ", ") + text)
        self.prompt.setTextCursor(cursor)
        self.prompt.setFocus()

    def _on_read(self) -> None:
        self._later.stop()
        prompt = self.prompt.toPlainText().strip()
        genre, tempo = self.form.genre_text, self.form.tempo.value()
        if genre is not None and len(genre) > MAX_GENRE:
            genre = None
        if not isinstance(tempo, int) or not MIN_TEMPO <= tempo <= MAX_TEMPO:
            tempo = None
        reading = self._read(prompt, genre, tempo)
        said = bool(prompt or genre or tempo)
        examples = self.tr("Describe instruments, mood and style in your own words, or start from an example:")
        self.heard.setText(heard_line(reading, tokens().accent) if said else examples)
        reference = self.steering.reference.reference()
        self.form.set_continues(reference is not None and reference.use == "continue")
        self.form.show_reading(reading, said)
        self.chips.show_chips(suggestions(prompt, reading, self._genres), whole=not prompt)
        if self._describe is not None:
            seed = self.form.seed.value()
            seed = seed if isinstance(seed, int) and 0 <= seed <= MAX_SEED else None
            text = self._describe(GenerationRequest(prompt, genre=genre, tempo=tempo, seed=seed)) if prompt else ""
            low, high = reading.tempo_range
            drawn = seed is None and not reading.tempo_heard and low < high
            self.steering.advanced.show_description(text, drawn=drawn)

    # -- Qt ------------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self.steering.reference.takes(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        if self.steering.reference.drop(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
