"""What can be undone and done again, in one order for the whole window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Slot

_MOST = 500  # steps kept


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One thing a person did. `scope` is the id of the track it is about: it is undone only while that is on show.

    Steps in a row with the same `merge` become one; None never merges.
    """

    undo: Callable[[], object]
    redo: Callable[[], object]
    scope: str = ""
    merge: object = None


class History(QObject):
    """The newest step that concerns what is on show is undone first.

    Not a QUndoStack: that knows one strict order, and undoing would then change takes that nobody sees, or stop at
    them. Steps of different takes do not depend on one another, so those of others can be passed over.
    """

    def __init__(self, scope: Callable[[], str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scope = scope  # the id of the track on show, or ""
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._open: Step | None = None  # the newest, until anything is undone or done again

    def push(self, step: Step) -> None:
        """A person has done this."""
        last = self._open
        self._undone = [other for other in self._undone if other.scope != step.scope]
        if last is not None and step.merge is not None and (last.scope, last.merge) == (step.scope, step.merge):
            step = replace(step, undo=last.undo)
            self._done[-1] = step
        else:
            self._done = [*self._done[1 - _MOST :], step]
        self._open = step

    @Slot()
    def undo(self) -> None:
        """Take back the newest step."""
        step = self._newest(self._done)
        if step is not None:
            self.take_back(step)

    @Slot()
    def redo(self) -> None:
        """Do again what was undone last."""
        step = self._newest(self._undone)
        if step is not None:
            self._undone.remove(step)
            self._done.append(step)
            self._open = None
            step.redo()

    def take_back(self, step: Step) -> None:
        """Undo this very step, if it is not undone yet."""
        if step in self._done:
            self._done.remove(step)
            self._undone.append(step)
            self._open = None
            step.undo()

    def forget(self, scope: str) -> None:
        """What was done to this track cannot be undone any more: it is another one now."""
        self._done = [step for step in self._done if step.scope != scope]
        self._undone = [step for step in self._undone if step.scope != scope]
        self._open = None

    def _newest(self, steps: list[Step]) -> Step | None:
        return next((step for step in reversed(steps) if step.scope in ("", self._scope())), None)
