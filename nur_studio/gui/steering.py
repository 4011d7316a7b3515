"""The lower part of the compose panel: what may be steered where the chosen engine can be steered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nur_studio.core.controls import Controls
from nur_studio.core.errors import InvalidRequest
from nur_studio.gui.advanced_panel import AdvancedPanel
from nur_studio.gui.disclosure import Disclosure
from nur_studio.gui.reference_field import ReferenceField
from nur_studio.gui.sections_editor import SectionsEditor


class Steering(QWidget):
    """Reference, sections and the model's own controls; together they are the `Controls` of a request."""

    edited = Signal()
    field_left = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._can: frozenset[str] = frozenset()
        self.reference = ReferenceField()
        self.sections = SectionsEditor()
        self.advanced = AdvancedPanel()
        self.sections_part = Disclosure(
            self.tr("SECTIONS"), self.tr("Other words from a bar on: intro, verse, breakdown"), self.sections
        )
        self.model_part = Disclosure(
            self.tr("MODEL"), self.tr("What the model is sent and how it samples; the defaults are good"), self.advanced
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for part in (self.reference, self.sections_part, self.model_part):
            column.addWidget(part)
        self.sections.set_before(self.sections_part.head)
        self.reference.edited.connect(self._on_edited)
        self.sections.edited.connect(self._on_edited)
        self.advanced.edited.connect(self._on_edited)
        self.advanced.left.connect(self.field_left)
        self.sections_part.toggled.connect(self._on_edited)  # a draft keeps it too
        self.model_part.toggled.connect(self._on_edited)
        self.set_abilities(())

    def set_abilities(self, can: Collection[str]) -> None:
        """Offer what the engine can; what is typed into the rest stays, and is not sent."""
        self._can = frozenset(can)
        self.reference.set_abilities(can)
        self.advanced.set_abilities(can)
        self.sections_part.setVisible("sections" in can)
        self.model_part.setVisible("controls" in can)
        self.setVisible(bool(self._can & {"continue", "melody", "sections", "controls"}))
        self._summarise()

    def controls(self) -> Controls:
        """What the fields say, right or wrong."""
        controls = self.advanced.controls() if "controls" in self._can else Controls()
        sections = self.sections.sections() if "sections" in self._can else ()
        return replace(controls, sections=sections, reference=self.reference.reference())

    def set_controls(self, controls: Controls) -> None:
        """Fill every field from a request."""
        self.advanced.set_controls(controls)
        self.sections.set_sections(controls.sections)
        self.reference.set_reference(controls.reference)
        self._summarise()

    def missing(self) -> InvalidRequest | None:
        """A fault that no request can carry, or None."""
        return self.reference.missing()

    def draft(self) -> dict[str, str]:
        """Everything as it was typed, and what is open."""
        opened = [name for name, part in (("sections", self.sections_part), ("model", self.model_part)) if part.open]
        return {
            **self.advanced.draft(),
            **self.sections.draft(),
            **self.reference.draft(),
            "open": " ".join(opened),
        }

    def restore(self, draft: Mapping[str, str]) -> None:
        """Put a draft back; what it does not have stays."""
        self.advanced.restore(draft)
        self.sections.restore(draft)
        self.reference.restore(draft)
        if "open" in draft:
            opened = draft["open"].split()
            self.sections_part.set_open("sections" in opened)
            self.model_part.set_open("model" in opened)
        self._summarise()

    # -- faults --------------------------------------------------------------------------------------------------

    def say(self, field: str, sentence: str) -> tuple[QWidget, QWidget] | None:
        """Show `sentence` at `field`, opened for it; where that is entered, and the sentence. None: not one of them."""
        if field == "reference" and not self.reference.isHidden():
            return self.reference.use, self.reference.say(sentence)
        if field == "sections" and "sections" in self._can:
            self.sections_part.set_open(True)
            rows = self.sections.rows
            return (rows[0].bar if rows else self.sections.add), self.sections.say(sentence)
        widget = self.advanced.widget(field)
        if widget is None or "controls" not in self._can:
            return None
        self.model_part.set_open(True)
        return widget, self.advanced.say(field, sentence)

    def fault(self, field: str) -> str:
        """The sentence shown at `field`, or ""."""
        if field == "reference":
            return self.reference.fault
        if field == "sections":
            return self.sections.fault
        return self.advanced.fault(field) if self.advanced.widget(field) is not None else ""

    def clear_faults(self) -> None:
        self.reference.say("")
        self.sections.say("")
        self.advanced.clear_faults()

    # -- within --------------------------------------------------------------------------------------------------

    def _on_edited(self) -> None:
        self._summarise()
        self.edited.emit()

    def _summarise(self) -> None:
        reference = self.reference.reference()
        self.advanced.set_continues(reference is not None and reference.use == "continue")
        count = len(self.sections.sections())
        self.sections_part.set_summary(str(count) if count else "")
        count = self.advanced.changed_count()
        self.model_part.set_summary(self.tr("{count} changed").format(count=count) if count else self.tr("defaults"))
