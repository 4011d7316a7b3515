"""The library panel: search, filters, the table of takes, its menu. Shows what it is given, emits what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from nur_studio.core.track import Track
from nur_studio.gui.arrival_strip import ArrivalStrip
from nur_studio.gui.drag import Held, Wanted
from nur_studio.gui.icons import icon
from nur_studio.gui.library_menu import RowsMenu
from nur_studio.gui.library_model import LibraryModel
from nur_studio.gui.library_table import LibraryTable
from nur_studio.studio.exporting import STEMS_PART
from nur_studio.studio.parts import MIX_PART

_SEARCH_AFTER_MS = 120
_ROOMY = 860  # width: below it the button for imports is its picture only


@dataclass(frozen=True, slots=True)
class Query:
    """What part of the library is asked for."""

    text: str = ""
    starred: bool = False
    genre: str = ""
    engine: str = ""

    @property
    def everything(self) -> bool:
        return self == Query()


class LibraryPanel(QFrame):
    """Every take ever made."""

    query_changed = Signal(object)  # Query
    opened = Signal(str)  # track id, in all of these
    star_toggled = Signal(str, bool)
    renamed = Signal(str, str)
    deleted = Signal(object)  # list of ids
    regenerate_requested = Signal(str)
    start_from_requested = Signal(str)  # id of a take whose sound the next one starts from
    use_prompt_requested = Signal(str)
    separate_requested = Signal(str)
    export_requested = Signal(str)
    minus_requested = Signal(str, object)  # id, lanes to leave out; without any, each in turn
    import_requested = Signal()
    reveal_requested = Signal(str)
    drag_pressed = Signal(object)  # Wanted
    drag_requested = Signal(object)  # Wanted

    def __init__(self, engine_title: Callable[[str], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine_title = engine_title
        self.setObjectName("library")
        self.setProperty("role", "panel")
        self.model = LibraryModel(engine_title)
        self.table = LibraryTable(self.model)
        self.strip = ArrivalStrip()
        self._build()
        self._later = QTimer(self, singleShot=True, interval=_SEARCH_AFTER_MS)
        self._later.timeout.connect(self._on_query)
        self._last = Query()
        self.starts_from = False  # whether the chosen engine can start from other music
        self._wire()

    def _build(self) -> None:
        head = QLabel(self.tr("LIBRARY"))
        head.setProperty("role", "section")
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search names, prompts, genres, keys, BPM"))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(140)
        self.search.setMaximumWidth(340)
        self.search.setAccessibleName(self.tr("Search the library"))
        self.search.setToolTip(self.tr("Every word must occur somewhere in the take (Ctrl+F)"))
        self.search.setAcceptDrops(False)  # a file that is dropped here is the library's
        self.search.installEventFilter(self)
        self.starred = QPushButton(icon("star"), "")
        self.starred.setCheckable(True)
        self.starred.setFixedWidth(40)
        self.starred.setToolTip(self.tr("Only starred takes"))
        self.starred.setAccessibleName(self.starred.toolTip())
        self.genre = self._filter(self.tr("All genres"), self.tr("Only takes of one genre"))
        self.engine = self._filter(self.tr("All engines"), self.tr("Only takes of one engine"))
        self.bring = QPushButton(icon("import"), self.tr("Import…"))
        self.bring.setToolTip(self.tr("Take audio files into the library (Ctrl+I); they can also be dropped here"))
        self.bring.setAccessibleName(self.tr("Import audio"))
        self.bring.clicked.connect(self.import_requested)
        self.count = QLabel()
        self.count.setProperty("role", "numbers")

        bar = QHBoxLayout()
        bar.setContentsMargins(20, 10, 20, 6)
        bar.setSpacing(8)
        bar.addWidget(head)
        bar.addSpacing(4)
        bar.addWidget(self.search, 3)
        bar.addWidget(self.starred)
        bar.addWidget(self.genre)
        bar.addWidget(self.engine)
        bar.addStretch(1)
        bar.addWidget(self.count)
        bar.addWidget(self.bring)

        self.table.setMinimumHeight(24)  # in the smallest window what is said above the rows takes their place

        self._nothing = QLabel()
        self._nothing.setProperty("role", "dim")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setWordWrap(True)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.table)
        self._stack.addWidget(self._nothing)
        rows = QVBoxLayout()
        rows.setContentsMargins(20, 0, 20, 8)
        rows.addLayout(self._stack)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.strip)
        column.addLayout(rows, 1)

    def _filter(self, everything: str, tip: str) -> QComboBox:
        box = QComboBox()
        box.addItem(everything, "")
        box.setToolTip(tip)
        box.setAccessibleName(tip)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        box.setMaximumWidth(180)
        return box

    def _wire(self) -> None:
        self.search.textChanged.connect(self._on_typed)
        self.starred.toggled.connect(self._on_query)
        self.genre.currentIndexChanged.connect(self._on_query)
        self.engine.currentIndexChanged.connect(self._on_query)
        self.model.rename_asked.connect(self.renamed)
        self.table.opened.connect(self.opened)
        self.table.star_toggled.connect(self.star_toggled)
        self.table.delete_requested.connect(self.deleted)
        self.table.drag_pressed.connect(self._on_drag_pressed)
        self.table.drag_requested.connect(self._on_drag_requested)
        self.table.customContextMenuRequested.connect(self._on_menu)

    # -- what is shown -------------------------------------------------------------------------------------------

    def query(self) -> Query:
        return Query(
            self.search.text().strip(),
            self.starred.isChecked(),
            str(self.genre.currentData() or ""),
            str(self.engine.currentData() or ""),
        )

    def show_counts(self, found: int, more: bool, total: int) -> None:
        """How many takes there are, and how many of them are found."""
        takes = (
            self.tr("1 take") if total == 1 else self.tr("{total} takes").format(total=f"{total:,}".replace(",", " "))
        )
        if self._last.everything:
            text = takes
        else:
            text = self.tr("{found} of {takes}").format(found=f"{found}+" if more else found, takes=takes)
        self.count.setText(text)
        empty = not self.model.tracks
        if empty:
            self._nothing.setText(
                self.tr(
                    "No take yet. What you generate is kept here, with everything needed to make it again. "
                    "Audio files that are dropped here are kept as well."
                )
                if total == 0
                else self.tr("No take matches. Clear the search or the filters to see all {takes}.").format(takes=takes)
            )
        self._stack.setCurrentIndex(1 if empty else 0)

    def show_filters(self, genres: Sequence[str], engines: Sequence[str]) -> None:
        """The genres and engines in use, to filter by; the choice stays."""
        for box, names in (
            (self.genre, [(g, g) for g in genres]),
            (self.engine, [(self._engine_title(e), e) for e in engines]),
        ):
            chosen = str(box.currentData() or "")
            if chosen and all(value != chosen for _, value in names):
                names.append((chosen, chosen))
            if [box.itemData(i) for i in range(1, box.count())] == [value for _, value in names]:
                continue
            box.blockSignals(True)
            while box.count() > 1:
                box.removeItem(1)
            for text, value in names:
                box.addItem(text, value)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.blockSignals(False)

    def select(self, track_id: str) -> None:
        self.table.select(track_id)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.bring.setText(self.tr("Import…") if event.size().width() >= _ROOMY else "")

    def focus_search(self) -> None:
        self.search.setFocus()
        self.search.selectAll()

    # -- slots ---------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.model.tracks:
                self._on_query()
                self.table.setFocus()
                if not self.table.currentIndex().isValid():
                    self.table.selectRow(0)
                return True
        return super().eventFilter(watched, event)

    def _on_typed(self) -> None:
        self._later.start()

    def _on_query(self) -> None:
        self._later.stop()
        query = self.query()
        if query != self._last:
            self._last = query
            self.query_changed.emit(query)

    def _on_drag_pressed(self, ids: list[str], stems: bool) -> None:
        self.drag_pressed.emit(_wanted(ids, stems))

    def _on_drag_requested(self, ids: list[str], stems: bool) -> None:
        self.drag_requested.emit(_wanted(ids, stems))

    def _on_menu(self, at: QPoint) -> None:
        tracks = self.table.selected_tracks()
        if tracks:
            self.menu_for(tracks).popup(self.table.viewport().mapToGlobal(at))

    def menu_for(self, tracks: Sequence[Track]) -> QMenu:
        """The context menu of these rows."""
        menu = RowsMenu(tracks, self, starts_from=self.starts_from)
        menu.rename_requested.connect(self.table.rename_current)
        menu.star_requested.connect(self.table.toggle_star)
        for asked, told in (
            (menu.opened, self.opened),
            (menu.use_prompt_requested, self.use_prompt_requested),
            (menu.regenerate_requested, self.regenerate_requested),
            (menu.start_from_requested, self.start_from_requested),
            (menu.separate_requested, self.separate_requested),
            (menu.export_requested, self.export_requested),
            (menu.minus_requested, self.minus_requested),
            (menu.reveal_requested, self.reveal_requested),
            (menu.deleted, self.deleted),
        ):
            asked.connect(told)
        return menu


def _wanted(ids: Sequence[str], stems: bool) -> Wanted:
    return Wanted(tuple(ids), Held((STEMS_PART if stems else MIX_PART,)))
