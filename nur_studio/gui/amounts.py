"""Sizes and times in words: what a download weighs, how long a minute of music takes."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def size(amount: int) -> str:
    """`2.4 GB`, `812 MB`: decimal units, as disks and downloads are sold; never 0 for something."""
    if amount >= 999_500_000:
        gigabytes = amount / 1e9
        return f"{gigabytes:.0f} GB" if gigabytes >= 9.95 else f"{gigabytes:.1f} GB"
    if amount >= 999_500:
        return f"{amount / 1e6:.0f} MB"
    return f"{max(1, round(amount / 1e3))} KB" if amount > 0 else "0 KB"


def duration(seconds: float) -> str:
    """`0.8 s`, `12 s`, `4 min`, `1.5 h`: as exact as a forecast is."""
    if seconds < 9.5:
        return _tr("{n} s").format(n=f"{max(0.1, seconds):.1f}".removesuffix(".0"))
    if seconds < 90:
        return _tr("{n} s").format(n=round(seconds))
    if seconds < 90 * 60:
        return _tr("{n} min").format(n=round(seconds / 60))
    return _tr("{n} h").format(n=f"{seconds / 3600:.1f}".removesuffix(".0"))


def time_left(seconds: float) -> str:
    """`0:42` below an hour, `1 h 05 min` above: downloads take both."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _tr("{hours} h {minutes} min").format(hours=hours, minutes=f"{minutes:02d}")
    return f"{minutes}:{rest:02d}"


def _tr(text: str) -> str:
    return QCoreApplication.translate("amounts", text)
