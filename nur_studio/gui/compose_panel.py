"""The compose panel: a prompt and its choices become a request; says what it heard and what is wrong, where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QLabel, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from nur_studio.core.errors import InvalidRequest
from nur_studio.core.genres import Genre
from nur_studio.core.progress import Progress
from nur_studio.core.prompt import PromptReading
from nur_studio.core.request import MAX_GENRE, MAX_TEMPO, MIN_TEMPO, GenerationRequest
from nur_studio.gui.chips import Chips, suggestions
from nur_studio.gui.compose_form import ComposeForm
from nur_studio.gui.fields import FaultLabel
from nur_studio.gui.generate_bar import GenerateBar
from nur_studio.gui.heard import heard_line
from nur_studio.gui.theme import theme_notifier, tokens

Read = Callable[[str, str | None, int | None], PromptReading]

_WIDTH = 300
_PROMPT_HEIGHT = (96, 176)  # grows where the window is tall
_READ_AFTER_MS = 60


class PromptEdit(QPlainTextEdit):
    """The prompt. Tab leaves it, Ctrl+Enter belongs to the panel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTabChangesFocus(True)

    def sizeHint(self) -> QSize:
        # Small by itself: in a low window the fields below come first, in a tall one the layout lets it grow.
        return QSize(super().sizeHint().width(), _PROMPT_HEIGHT[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)


class ComposePanel(QFrame):
    """Shows the request being written and emits it; what was typed stays until the person changes it."""

    generate_requested = Signal(object)  # GenerationRequest without a fault
    cancel_requested = Signal()
    remove_requested = Signal(int)  # position in the list of waiting requests
    edited = Signal()  # anything a draft keeps has changed

    def __init__(self, read: Read, genres: Sequence[Genre], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._read, self._genres = read, tuple(genres)
        self._engine: str | None = None
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
        self.bar.remove_requested.connect(self.remove_requested)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(keys), self, context=Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(self.generate)
        theme_notifier().changed.connect(self._on_read)
        self._on_read()

    def _build(self) -> None:
        head = QLabel(self.tr("COMPOSE"))
        head.setProperty("role", "section")
        self.prompt = PromptEdit()
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

        body = QWidget()
        body.setProperty("role", "panel")
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
        column.addStretch(0)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(body)
        self.bar = GenerateBar()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._scroll, 1)
        whole.addWidget(self.bar)

    # -- the request ---------------------------------------------------------------------------------------------

    def request(self) -> GenerationRequest:
        """What the fields say, right or wrong."""
        return self.form.request(self.prompt.toPlainText().strip(), self._engine)

    def generate(self) -> None:
        """Check the fields, then ask for music; a fault is said where it is and the field gets the focus."""
        self._clear_faults()
        request = self.request()
        faults = list(request.faults())
        for fault in reversed(faults):  # the first one last: it keeps the focus
            self.show_fault(fault)
        if not faults:
            self.generate_requested.emit(request)

    def set_request(self, request: GenerationRequest) -> None:
        """Fill every field from a request."""
        self.prompt.setPlainText(request.prompt)
        self.form.set_request(request)
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

    def set_last_seed(self, seed: int) -> None:
        """The seed of the take on show: what "lock" keeps."""
        self.form.set_last_seed(seed)

    def draft(self) -> dict[str, str]:
        """Everything typed, as it was typed."""
        return {"prompt": self.prompt.toPlainText(), **self.form.draft()}

    def restore(self, draft: Mapping[str, str]) -> None:
        """Put a draft back; what it does not have stays."""
        self.prompt.setPlainText(draft.get("prompt", self.prompt.toPlainText()))
        self.prompt.moveCursor(self.prompt.textCursor().MoveOperation.End)
        self.form.restore(draft)

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
            QTimer.singleShot(0, label, lambda: self._scroll.ensureWidgetVisible(label, 0, 16))
        else:
            self.show_failure(str(fault))

    def fault(self, field: str) -> str:
        """The sentence shown at `field`, or ""."""
        return self._prompt_fault.sentence if field == "prompt" else self.form.fault(field)

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
        self.bar.show_failure("")

    # -- slots ---------------------------------------------------------------------------------------------------

    def _on_prompt(self) -> None:
        self._prompt_fault.say("")
        self._later.start()
        self.edited.emit()

    def _on_form(self, _: str) -> None:
        self._later.start()
        self.edited.emit()

    def _on_left(self, field: str) -> None:
        """A field that is wrong says so as soon as it is left, not only at the end."""
        for fault in self.request().faults():
            if fault.field == field:
                self.form.say(field, str(fault))

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
        self.form.show_reading(reading, said)
        self.chips.show_chips(suggestions(prompt, reading, self._genres), whole=not prompt)
