"""The list of models: name and state, one row each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from nur_studio.gui.model_view import ModelView, status
from nur_studio.gui.theme import scaled_font, theme_changed, tokens

_ROW = 48
_VIEW = Qt.ItemDataRole.UserRole


class _Rows(QStyledItemDelegate):
    """Two lines: the title, and below it the state in its colour, with a bar while something is under way."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        view: ModelView = index.data(_VIEW)
        colors = tokens()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(option.rect).adjusted(4, 1, -4, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        flags = option.state
        if flags & QStyle.StateFlag.State_Selected:
            painter.setBrush(colors.color("selected"))
            if flags & QStyle.StateFlag.State_HasFocus:
                painter.setPen(colors.color("accent"))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        elif flags & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(colors.color("hover"))
            painter.drawRoundedRect(box, 6, 6)
        inner = QRect(option.rect).adjusted(16, 6, -16, -6)
        line = inner.height() // 2
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(scaled_font(13))
        painter.setPen(colors.color("text"))
        painter.drawText(QRect(inner.left(), inner.top(), inner.width(), line), left, view.info.title)
        words, color = status(view)
        painter.setFont(scaled_font(12))
        painter.setPen(colors.color(color))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(QRect(inner.left(), inner.top() + line, inner.width(), line), left, shown)
        if view.doing:
            bar = QRectF(inner.left(), option.rect.bottom() - 4, inner.width(), 2)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.color("line"))
            painter.drawRoundedRect(bar, 1, 1)
            painter.setBrush(colors.color("accent"))
            bar.setWidth(bar.width() * (view.progress.fraction if view.progress else 0.0))
            painter.drawRoundedRect(bar, 1, 1)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, _ROW)


class ModelList(QListWidget):
    """Up and down go through the models; `picked` tells the name."""

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Models"))
        self.setItemDelegate(_Rows(self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.currentItemChanged.connect(self._on_current)
        theme_changed().connect(self.viewport().update)

    def set_views(self, views: Sequence[ModelView]) -> None:
        """Show these, in this order; the row that was current stays so."""
        if [self.item(row).data(_VIEW).name for row in range(self.count())] != [view.name for view in views]:
            self.clear()
            for _ in views:
                self.addItem(QListWidgetItem())
        for row, view in enumerate(views):
            item = self.item(row)
            item.setData(_VIEW, view)
            words = status(view)[0]
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{view.info.title}: {words}")
            item.setToolTip(view.fault or view.info.summary)
        if self.currentRow() < 0 and self.count():
            self.setCurrentRow(0)

    def pick(self, name: str) -> None:
        for row in range(self.count()):
            if self.item(row).data(_VIEW).name == name:
                self.setCurrentRow(row)

    @property
    def current(self) -> str:
        item = self.currentItem()
        return "" if item is None or item.data(_VIEW) is None else str(item.data(_VIEW).name)

    def _on_current(self) -> None:
        if self.current:
            self.picked.emit(self.current)
