"""What files are pulled out of: the handle of a lane, the grip of a marked region, buttons."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QEnterEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from nur_studio.gui.icons import icon, pixmap
from nur_studio.gui.theme import theme_changed, tokens

HANDLE_WIDTH = 24
_NOTES_HEIGHT = 22  # of a handle: where its notes are taken hold of
_NOTE = 14
_GRIP = 18


class _Pull:
    """Whether a press has become a drag."""

    def __init__(self) -> None:
        self._from: QPointF | None = None

    def press(self, event: QMouseEvent) -> bool:
        """Whether it is the left button."""
        self._from = event.position() if event.button() == Qt.MouseButton.LeftButton else None
        return self._from is not None

    def move(self, event: QMouseEvent) -> bool:
        """Whether it has just now become a drag."""
        if self._from is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return False
        if (event.position() - self._from).manhattanLength() < QApplication.startDragDistance():
            return False
        self._from = None
        return True

    def release(self) -> None:
        self._from = None


class _Grip(QWidget):
    """Six dots to take hold of. `pressed` comes at hover and at press, so that the files are ready in time; `progress`
    is how far they are.
    """

    pressed = Signal()
    dragged = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pull = _Pull()
        self._hovered = False
        self.progress: float | None = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setAccessibleName(name)
        self.setToolTip(name)
        theme_changed().connect(self.update)

    def set_progress(self, progress: float | None) -> None:
        """How far its files are, 0 to 1; None while none are written."""
        if progress != self.progress:
            self.progress = progress
            self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hovered = True
        self.update()
        if self.isEnabled():
            self.pressed.emit()

    def leaveEvent(self, event: object) -> None:
        self._hovered = False
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._pull.press(event):
            self.pressed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pull.move(event):
            self.dragged.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pull.release()

    def _draw(self, painter: QPainter, area: QRectF, *, lit: bool) -> None:
        """The dots, and below them how far the files are."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens().color("text" if lit else "dim" if self.isEnabled() else "line"))
        center = area.center()
        for column in (-2.5, 2.5):
            for row in (-5.0, 0.0, 5.0):
                painter.drawEllipse(QPointF(center.x() + column, center.y() + row), 1.25, 1.25)
        if self.progress is not None:
            width = area.width() - 6.0
            groove = QRectF(area.x() + 3.0, min(area.bottom() - 4.0, center.y() + 11.0), width, 3.0)
            painter.setBrush(tokens().color("line"))
            painter.drawRoundedRect(groove, 1.5, 1.5)
            groove.setWidth(max(3.0, width * self.progress))
            painter.setBrush(tokens().color("accent"))
            painter.drawRoundedRect(groove, 1.5, 1.5)


class DragHandle(_Grip):
    """The right edge of a lane: its sound; at the foot, where there are any, its notes."""

    notes_pressed = Signal()
    notes_dragged = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._name, self._notes = name, ""
        self._on_notes = self._pulls_notes = False
        self.setFixedWidth(HANDLE_WIDTH)
        self.setMouseTracking(True)

    def set_notes(self, name: str) -> None:
        """Offer notes too, under this name; "" where there are none."""
        self._notes = name
        self._look_at(-1.0)
        self.update()

    @property
    def notes_area(self) -> QRectF:
        """Where the notes are taken hold of; empty where there are none."""
        height = _NOTES_HEIGHT if self._notes else 0
        return QRectF(0.0, self.height() - height - 2.0, self.width(), height)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._pull.press(event):
            self._pulls_notes = self.notes_area.contains(event.position())
            (self.notes_pressed if self._pulls_notes else self.pressed).emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pull.move(event):
            (self.notes_dragged if self._pulls_notes else self.dragged).emit()
        elif not event.buttons():
            self._look_at(event.position().y())

    def leaveEvent(self, event: object) -> None:
        self._look_at(-1.0)
        super().leaveEvent(event)

    def _look_at(self, y: float) -> None:
        on_notes = bool(self._notes) and y >= self.notes_area.top()
        if on_notes != self._on_notes or not on_notes:
            self._on_notes = on_notes
            self.setToolTip(self._notes if on_notes else self._name)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        notes = self.notes_area
        lit = self._hovered and self.isEnabled()
        area = QRectF(self.rect()).adjusted(0, 0, 0, -notes.height())
        self._draw(painter, area, lit=lit and not self._on_notes)
        if self._notes:
            color = "text" if lit and self._on_notes else "dim" if self.isEnabled() else "line"
            note = pixmap("music", _NOTE, color, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(notes.center().x() - _NOTE / 2, notes.center().y() - _NOTE / 2), note)


class RegionGrip(_Grip):
    """In the corner of a marked region: that part of the lane."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(name, parent)
        self.setFixedSize(_GRIP, _GRIP)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(tokens().color("line"))
        painter.setBrush(tokens().color("raised"))
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(area, 4, 4)
        self._draw(painter, area, lit=self._hovered)


class DragButton(QPushButton):
    """A button to pull files out of."""

    drag_pressed = Signal()
    drag_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pull = _Pull()
        self.progress: float | None = None
        self.setIcon(icon("drag", "dim"))
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_progress(self, progress: float | None) -> None:
        """How far its files are, 0 to 1; None while none are written."""
        if progress != self.progress:
            self.progress = progress
            self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        if self.isEnabled():
            self.drag_pressed.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if self._pull.press(event):
            self.drag_pressed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self._pull.move(event):
            self.setDown(False)
            self.drag_requested.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._pull.release()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.progress is not None:
            painter = QPainter(self)
            width = (self.width() - 12) * self.progress
            painter.fillRect(QRectF(6, self.height() - 4, width, 2), tokens().color("accent"))
