"""The library's table view: keys, stars, and rows that are dragged out."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QLineEdit,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from nur_studio.core.track import Status, Track
from nur_studio.gui.library_model import STAR_ROLE, TRACK_ROLE, Column, LibraryModel

ROW_HEIGHT = 30
_NARROW = 800
_HELD_MS = 150  # a click is over by then: browsing the library writes no files
_WIDTHS = {
    Column.STAR: 34,
    Column.NAME: 190,
    Column.GENRE: 112,
    Column.TEMPO: 52,
    Column.KEY: 56,
    Column.LENGTH: 66,
    Column.ENGINE: 120,
    Column.MADE: 84,
}


class _Delegate(QStyledItemDelegate):
    """Rows without a frame or a glow around single cells; the star in the middle of its own."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().initStyleOption(option, index)
        option.state &= ~(option.state.State_HasFocus | option.state.State_MouseOver)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().paint(painter, option, index)
        if index.column() == Column.STAR and isinstance(star := index.data(STAR_ROLE), QIcon):
            box = QRect(0, 0, 16, 16)
            box.moveCenter(option.rect.center())
            star.paint(painter, box)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setMaxLength(200)
        editor.setStyleSheet("min-height: 0; border-radius: 4px;")
        return editor

    def setEditorData(self, editor: QWidget, index: QModelIndex) -> None:
        # A row that changes under the editor (a refresh) must not take away what is being typed.
        if isinstance(editor, QLineEdit) and not editor.isModified():
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))
            editor.selectAll()


class LibraryTable(QTableView):
    """Emits what a person does to rows; ids, never row numbers."""

    opened = Signal(str)
    star_toggled = Signal(str, bool)
    delete_requested = Signal(object)  # list of ids
    drag_pressed = Signal(object, bool)  # list of ids, all stems: make their files now, a drag may follow
    drag_requested = Signal(object, bool)  # list of ids, all stems

    def __init__(self, model: LibraryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(_Delegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # 10,000 rows are never measured one by one
        rows.setDefaultSectionSize(ROW_HEIGHT)
        columns = self.horizontalHeader()
        columns.setHighlightSections(False)
        columns.setSectionsClickable(False)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        columns.setSectionResizeMode(Column.PROMPT, QHeaderView.ResizeMode.Stretch)
        columns.setSectionResizeMode(Column.STAR, QHeaderView.ResizeMode.Fixed)
        columns.setMinimumSectionSize(34)
        columns.setFixedHeight(ROW_HEIGHT)
        columns.setStyleSheet("QHeaderView::section { padding-left: 9px; }")  # where the cells' text begins
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        self.setAccessibleName(self.tr("Library"))
        self._pressed_at: QPoint | None = None
        self._stems = False  # Shift was held at the press: all stems are wanted, not the mix
        self._held = QTimer(self, singleShot=True, interval=_HELD_MS)
        self._held.timeout.connect(self._on_held)

    def track_at(self, index: QModelIndex) -> Track | None:
        track = index.data(TRACK_ROLE)
        return track if isinstance(track, Track) else None

    def selected_tracks(self) -> list[Track]:
        """The selected tracks, top to bottom."""
        rows = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        return [track for index in rows if (track := self.track_at(index)) is not None]

    def select(self, track_id: str) -> None:
        """Select the row of a track and bring it into sight, if it is loaded."""
        model = self.model()
        assert isinstance(model, LibraryModel)
        row = model.row_of(track_id)
        if row is None:
            return
        index = model.index(row, Column.NAME)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.selectionModel().setCurrentIndex(index, flags)
        self.scrollTo(index)

    def rename_current(self) -> None:
        """Edit the name of the current row in place."""
        current = self.currentIndex()
        if current.isValid():
            self.edit(current.siblingAtColumn(Column.NAME))

    def toggle_star(self) -> None:
        for track in self.selected_tracks():
            self.star_toggled.emit(track.id, not track.starred)

    def resizeEvent(self, event: QResizeEvent) -> None:
        # In a narrow window the prompt needs the room more than what every row has in common.
        self.setColumnHidden(Column.ENGINE, self.width() < _NARROW)
        self.setColumnHidden(Column.KEY, self.width() < _NARROW)
        super().resizeEvent(event)

    # -- Qt ------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, plain = (
            event.key(),
            event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier),
        )
        if self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
            self._on_activated(self.currentIndex())
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and plain:
            if ids := [track.id for track in self.selected_tracks()]:
                self.delete_requested.emit(ids)
        elif key == Qt.Key.Key_F2:
            self.rename_current()
        elif key == Qt.Key.Key_S and plain:
            self.toggle_star()
        elif event.text().isprintable() and event.text() and plain:
            event.ignore()  # Space plays; letters are the window's, not a search by first letter
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        track = self.track_at(index)
        self._pressed_at = None
        if track is not None and event.button() == Qt.MouseButton.LeftButton:
            if index.column() == Column.STAR:
                self.star_toggled.emit(track.id, not track.starred)
                return
            self._pressed_at = event.position().toPoint()
            self._stems = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        super().mousePressEvent(event)
        if self._pressed_at is not None and self._draggable():
            self._held.start()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            if self._pressed_at is not None:
                way = (event.position().toPoint() - self._pressed_at).manhattanLength()
                if way >= QApplication.startDragDistance() and (ids := self._draggable()):
                    self._pressed_at = None
                    self._held.stop()
                    self.drag_requested.emit(ids, self._stems)
            return  # a drag over rows takes files out; it never sweeps a selection
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = None
        self._held.stop()
        super().mouseReleaseEvent(event)

    def _on_held(self) -> None:
        if ids := self._draggable():
            self.drag_pressed.emit(ids, self._stems)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and index.column() != Column.STAR:
            self._on_activated(index)
        else:
            event.accept()

    def _draggable(self) -> list[str]:
        return [track.id for track in self.selected_tracks() if track.status is Status.COMPLETED]

    def _on_activated(self, index: QModelIndex) -> None:
        track = self.track_at(index)
        if track is not None:
            self.opened.emit(track.id)
