"""What mouse, wheel and trackpad do on anything that shows the timeline: seek, mark a loop, zoom, pan."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from nur_studio.gui.timeline import Timeline

_SLOP = 4.0  # px a click may wander
_EDGE = 5.0  # px around an edge of the loop that take hold of it
_ZOOM_STEP = 1.25  # per notch of the wheel
_FREELY = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier  # some window managers keep Alt


class TimeMouse(QObject):
    """The rules for one surface, which hands its events on; positions are relative to the waveform's left.

    Click seeks. A drag marks a loop, taking an edge of the marked loop moves it: all of them on the lines that the
    timeline snaps to, unless Alt or Shift is held.
    Ctrl and drag asks for the surface's files: in the marked loop for that part of them. Wheel zooms at the pointer;
    Shift+wheel and a trackpad's sideways movement pan; a pinch zooms; a double click fits all.
    """

    seek_requested = Signal(object)  # frame
    files_pressed = Signal(bool)  # in the marked loop
    files_dragged = Signal(bool)

    def __init__(self, surface: QWidget, timeline: Timeline, *, files: bool = False) -> None:
        super().__init__(surface)
        self._surface, self._timeline, self._files = surface, timeline, files
        self._pressed: QPointF | None = None
        self._anchor: float | None = None  # the end of the region that stays, once a drag marks one
        self._carrying = False

    @property
    def marking(self) -> bool:
        return self._anchor is not None

    def press(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._timeline.frames == 0:
            return
        self._pressed, self._anchor = event.position(), None
        self._carrying = self._files and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if self._carrying:
            self.files_pressed.emit(self._in_loop(event.position().x()))
            return
        edge = self.edge_at(event.position().x())
        if edge is not None and self._timeline.loop is not None:
            start, end = self._timeline.loop
            self._anchor = float(end if edge == 0 else start)

    def move(self, event: QMouseEvent) -> None:
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            self._show_edge(event.position().x())
            return
        if self._carrying:
            if (event.position() - self._pressed).manhattanLength() >= QApplication.startDragDistance():
                in_loop, self._pressed = self._in_loop(self._pressed.x()), None
                self.files_dragged.emit(in_loop)
            return
        if self._anchor is None:
            if abs(event.position().x() - self._pressed.x()) < _SLOP:
                return
            self._anchor = float(self._snapped(self._pressed.x(), event))
        frame = self._snapped(event.position().x(), event)
        if frame != self._anchor:
            self._timeline.set_loop((int(min(self._anchor, frame)), int(max(self._anchor, frame))), on=True)

    def release(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        if self._anchor is None and not self._carrying:
            self.seek_requested.emit(self._snapped(event.position().x(), event))
        self._pressed, self._anchor, self._carrying = None, None, False

    def double_click(self, event: QMouseEvent) -> None:
        self._pressed = None
        if event.button() == Qt.MouseButton.LeftButton:
            self._timeline.fit()

    def wheel(self, event: QWheelEvent) -> None:
        angle, pixels = event.angleDelta(), event.pixelDelta()
        sideways = abs(angle.x()) > abs(angle.y())
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier or sideways:
            # A trackpad tells pixels, a wheel notches of 120.
            moved = (pixels.x() or pixels.y()) if not pixels.isNull() else (angle.x() or angle.y()) * 0.8
            self._timeline.pan(-moved)
        elif angle.y():
            self._timeline.zoom(_ZOOM_STEP ** (angle.y() / 120), event.position().x())
        event.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        return event.type() == QEvent.Type.NativeGesture and self.gesture(event)

    def gesture(self, event: QEvent) -> bool:
        """Take a native pinch; False for any other event."""
        if not isinstance(event, QNativeGestureEvent):
            return False
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        self._timeline.zoom(max(0.5, 1.0 + event.value()), event.position().x())
        return True

    def edge_at(self, x: float) -> int | None:
        """0 or 1 for the loop's start or end under `x`."""
        if self._timeline.loop is None:
            return None
        distances = [abs(self._timeline.x_of(edge) - x) for edge in self._timeline.loop]
        nearest = distances.index(min(distances))
        return nearest if distances[nearest] <= _EDGE else None

    def _in_loop(self, x: float) -> bool:
        loop = self._timeline.loop
        return loop is not None and loop[0] <= self._timeline.frame_at(x) < loop[1]

    def _show_edge(self, x: float) -> None:
        shape = Qt.CursorShape.SizeHorCursor if self.edge_at(x) is not None else Qt.CursorShape.ArrowCursor
        if self._surface.cursor().shape() != shape:
            self._surface.setCursor(shape)

    def _snapped(self, x: float, event: QMouseEvent) -> int:
        frame = self._timeline.frame_at(x)
        return frame if event.modifiers() & _FREELY else self._timeline.snap(frame)
