"""The library as a table: pages of tracks fetched as one scrolls, changed rows merged in without a jump."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QDateTime,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont

from nur_studio.core.names import short_key
from nur_studio.core.track import Status, Track
from nur_studio.gui.icons import icon
from nur_studio.gui.theme import theme_notifier, tokens

PAGE = 200
TRACK_ROLE = Qt.ItemDataRole.UserRole
STAR_ROLE = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class Column(IntEnum):
    STAR, NAME, PROMPT, GENRE, TEMPO, KEY, LENGTH, ENGINE, MADE = range(9)


def _tr(text: str) -> str:
    return QCoreApplication.translate("LibraryModel", text)


def length_text(seconds: float) -> str:
    """`1:04`: minutes and whole seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def made_text(made: datetime, now: datetime) -> str:
    """The time for today, the weekday within a week, else the date: as short as it is clear."""
    made, now = made.astimezone(), now.astimezone()
    locale = QLocale()
    if made.date() == now.date():
        return made.strftime("%H:%M")
    if now.date() - made.date() < timedelta(days=7) and made < now:
        return locale.dayName(made.isoweekday(), QLocale.FormatType.ShortFormat)
    month = locale.monthName(made.month, QLocale.FormatType.ShortFormat)
    return f"{made.day} {month}" if made.year == now.year else f"{made.day} {month} {made.year}"


def _moment(made: datetime) -> str:
    moment = QDateTime.fromSecsSinceEpoch(int(made.timestamp()))
    return QLocale().toString(moment, QLocale.FormatType.LongFormat)


class LibraryModel(QAbstractTableModel):
    """Tracks as rows. It never reads the library itself: it asks for pages and is given them."""

    page_wanted = Signal(int)  # offset of the next page
    rename_asked = Signal(str, str)  # id, title

    def __init__(self, engine_title: Callable[[str], str], now: Callable[[], datetime] = datetime.now) -> None:
        super().__init__()
        self._engine_title, self._now = engine_title, now
        self._tracks: list[Track] = []
        self._rows: dict[str, int] = {}
        self._more = False
        self._asked_at = -1
        self._fractions: Mapping[str, float] = {}
        self._open = ""
        self._open_font = QFont()
        self._open_font.setWeight(QFont.Weight.DemiBold)
        self._shown_star, self._hidden_star = icon("star-filled", "warning"), icon("star", "faint")
        theme_notifier().changed.connect(self._on_theme)

    # -- filling -------------------------------------------------------------------------------------------------

    @property
    def tracks(self) -> Sequence[Track]:
        return self._tracks

    def show(self, tracks: Sequence[Track], *, more: bool) -> None:
        """Replace what is shown by `tracks`, touching only the rows that differ; `more`: there are further pages."""
        old, new = self._tracks, list(tracks)
        head = 0
        while head < min(len(old), len(new)) and old[head].id == new[head].id:
            head += 1
        tail = 0
        while tail < min(len(old), len(new)) - head and old[-1 - tail].id == new[-1 - tail].id:
            tail += 1
        if len(old) - tail > head:
            self.beginRemoveRows(QModelIndex(), head, len(old) - tail - 1)
            del self._tracks[head : len(old) - tail]
            self._number()
            self.endRemoveRows()
        if len(new) - tail > head:
            self.beginInsertRows(QModelIndex(), head, len(new) - tail - 1)
            self._tracks[head:head] = new[head : len(new) - tail]
            self._number()
            self.endInsertRows()
        for row, track in enumerate(new):
            if self._tracks[row] != track:
                self._tracks[row] = track
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))
        self._more, self._asked_at = more, -1

    def append(self, tracks: Sequence[Track], offset: int, *, more: bool) -> None:
        """A further page. One that does not follow on what is there (the library changed meanwhile) is dropped."""
        if offset != len(self._tracks):
            return
        fresh = [track for track in tracks if track.id not in self._rows]
        if fresh:
            self.beginInsertRows(QModelIndex(), offset, offset + len(fresh) - 1)
            self._tracks += fresh
            self._number()
            self.endInsertRows()
        self._more, self._asked_at = more, -1

    def replace(self, track: Track) -> None:
        """One track is another now: renamed, starred, finished."""
        row = self._rows.get(track.id)
        if row is not None:
            self._tracks[row] = track
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))

    def set_fractions(self, fractions: Mapping[str, float]) -> None:
        """How far the takes being made are, by id."""
        touched = {*self._fractions, *fractions}
        self._fractions = dict(fractions)
        for track_id in touched:
            row = self._rows.get(track_id)
            if row is not None:
                index = self.index(row, Column.MADE)
                self.dataChanged.emit(index, index)

    def set_open(self, track_id: str) -> None:
        """Which track the window shows: its name stands out."""
        before, self._open = self._open, track_id
        for row in (self._rows.get(before), self._rows.get(track_id)):
            if row is not None:
                index = self.index(row, Column.NAME)
                self.dataChanged.emit(index, index)

    def track(self, row: int) -> Track | None:
        return self._tracks[row] if 0 <= row < len(self._tracks) else None

    def row_of(self, track_id: str) -> int | None:
        return self._rows.get(track_id)

    def _number(self) -> None:
        self._rows = {track.id: row for row, track in enumerate(self._tracks)}

    def _on_theme(self) -> None:
        if self._tracks:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._tracks) - 1, len(Column) - 1))

    # -- Qt's questions --------------------------------------------------------------------------------------------

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 (Qt's own default)
        return 0 if parent.isValid() else len(self._tracks)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Column)

    def canFetchMore(self, parent: _Index) -> bool:
        return not parent.isValid() and self._more

    def fetchMore(self, parent: _Index) -> None:
        if self._more and self._asked_at != len(self._tracks):
            self._asked_at = len(self._tracks)
            self.page_wanted.emit(self._asked_at)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            names = ("", "NAME", "PROMPT", "GENRE", "BPM", "KEY", "LENGTH", "ENGINE", "MADE")
            return _tr(names[section]) if names[section] else ""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren
        track = self.track(index.row())
        if track is not None and track.status is Status.COMPLETED:
            flags |= Qt.ItemFlag.ItemIsDragEnabled
        if index.column() == Column.NAME:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        track = self.track(index.row())
        if track is None:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(track, column)
        if role == Qt.ItemDataRole.EditRole:
            return track.title
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._color(track, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(track, column)
        if role == STAR_ROLE and column is Column.STAR:
            return self._shown_star if track.starred else self._hidden_star
        if role == Qt.ItemDataRole.AccessibleTextRole and column is Column.STAR:
            return _tr("starred") if track.starred else _tr("not starred")
        if role == Qt.ItemDataRole.FontRole and column is Column.NAME and track.id == self._open:
            return self._open_font
        if role == TRACK_ROLE:
            return track
        return None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        track = self.track(index.row())
        title = " ".join(str(value).split())
        if track is None or index.column() != Column.NAME or not title or title == track.title:
            return False
        self.rename_asked.emit(track.id, title)
        return True

    def _text(self, track: Track, column: Column) -> str:
        match column:
            case Column.NAME:
                return track.title
            case Column.PROMPT:
                return track.error if track.status is Status.FAILED else " ".join(track.prompt.split())
            case Column.GENRE:
                return track.genre
            case Column.TEMPO:
                return str(track.tempo) if track.has_tempo else "–"
            case Column.KEY:
                return short_key(track.key)
            case Column.LENGTH:
                return length_text(track.duration_s)
            case Column.ENGINE:
                return self._engine_title(track.engine)
            case Column.MADE:
                return self._state(track)
        return ""

    def _state(self, track: Track) -> str:
        if track.status is Status.PENDING:
            return _tr("waiting")
        if track.status is Status.PROCESSING:
            fraction = self._fractions.get(track.id)
            return _tr("making") if fraction is None else _tr("{percent} %").format(percent=int(fraction * 100))
        if track.status is Status.FAILED:
            return _tr("failed")
        return made_text(track.created_at, self._now())

    def _color(self, track: Track, column: Column) -> QColor:
        colors = tokens()
        if track.status is Status.FAILED and column in (Column.PROMPT, Column.MADE):
            return QColor(colors.error)
        if track.status is Status.PROCESSING and column is Column.MADE:
            return QColor(colors.accent)
        finished = track.status is Status.COMPLETED
        return QColor(colors.text if column is Column.NAME and finished else colors.dim)

    def _tool_tip(self, track: Track, column: Column) -> str:
        if column is Column.STAR:
            return _tr("Take the star away (S)") if track.starred else _tr("Star this take (S)")
        if column is Column.PROMPT:
            return f"{track.error}\n\n{track.prompt}" if track.error else track.prompt
        if column is Column.MADE:
            return _moment(track.created_at)
        if column is Column.ENGINE and track.licence:
            return f"{self._engine_title(track.engine)}: {track.licence}"
        return ""
