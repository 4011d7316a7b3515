"""Colours, fonts and the style sheet: two themes, one accent, switched live."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from functools import lru_cache
from string import Template

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from nur_studio.core.mix import LANE_COLORS
from nur_studio.core.paths import resource

THEMES = ("dark", "light", "system")

RADIUS = 7

BODY, SMALL, SECTION, TITLE = 13, 12, 11, 20  # font sizes in px


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of a theme, as `#rrggbb`. `faint` is for lines, ticks and disabled things, not for text."""

    name: str
    background: str
    panel: str
    raised: str
    line: str
    wave_ground: str
    text: str
    dim: str
    faint: str
    accent: str
    good: str
    warning: str
    error: str
    drums: str
    bass: str
    vocals: str
    guitar: str
    piano: str
    other: str
    mix: str
    on_accent: str
    hover: str
    selected: str
    grid: str
    playhead: str

    def color(self, name: str) -> QColor:
        """The colour of a token by name, or of a `#rrggbb`."""
        return QColor(name if name.startswith("#") else getattr(self, name))

    def wave(self, lane: str) -> QColor:
        """The colour of a lane's waveform and edge: on light ground a clearer one than words may have."""
        color = "other" if lane == "rest" else lane
        return QColor(_LIGHT_WAVES[color]) if self.name == "light" else self.color(color)


DARK = Tokens(
    name="dark",
    background="#15171b",
    panel="#1b1e23",
    raised="#23272e",
    line="#2c3139",
    wave_ground="#111317",
    text="#e6e9ee",
    dim="#8d96a3",
    faint="#5c6572",
    accent="#7aa2ff",
    good="#7bd88f",
    warning="#ffb86b",
    error="#ff7b7b",
    drums=LANE_COLORS["drums"],
    bass=LANE_COLORS["bass"],
    vocals=LANE_COLORS["vocals"],
    guitar=LANE_COLORS["guitar"],
    piano=LANE_COLORS["piano"],
    other=LANE_COLORS["other"],
    mix=LANE_COLORS["mix"],
    on_accent="#0d1322",
    hover="#2b3038",
    selected="#212b45",
    grid="#1f232a",
    playhead="#ffffff",
)

LIGHT = Tokens(
    name="light",
    background="#f1f2f5",
    panel="#fafbfc",
    raised="#ffffff",
    line="#d6dae1",
    wave_ground="#ffffff",
    text="#1a1d23",
    dim="#565f6d",
    faint="#98a1ae",
    accent="#2557d6",
    good="#177238",
    warning="#8f5200",
    error="#c02626",
    drums="#bf4a16",
    bass="#8a6400",
    vocals="#8440b8",
    guitar="#4c7411",
    piano="#ae2a6d",
    other="#0b7562",
    mix="#4a638f",
    on_accent="#ffffff",
    hover="#eceff4",
    selected="#dce6ff",
    grid="#e9ecf1",
    playhead="#1a1d23",
)

_LIGHT_WAVES = {
    "mix": "#6880ad",
    "drums": "#e0692f",
    "bass": "#c08f00",
    "vocals": "#a05cd6",
    "guitar": "#6a9a1f",
    "piano": "#d34f97",
    "other": "#1a9c80",
}

_FONTS = ("Inter", "Cantarell", "Noto Sans", "DejaVu Sans")
# What fontconfig answers where no desktop has chosen a font.
_NO_CHOICE = {"", "sans serif", "sans-serif", "sans", "helvetica", "arial", "dejavu sans", "bitstream vera sans"}


class ThemeNotifier(QObject):
    """Tells painted widgets that the colours are others now; style-sheeted ones hear it from Qt."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tokens = DARK
        self.applied: Tokens | None = None
        self.wanted = "dark"
        self.watching = False

    def on_scheme_changed(self) -> None:
        app = QApplication.instance()
        if self.wanted == "system" and isinstance(app, QApplication):
            apply_theme(app, "system")


_notifier: ThemeNotifier | None = None


def theme_notifier() -> ThemeNotifier:
    """The one notifier of this process; it is made at first use."""
    global _notifier
    if _notifier is None:
        _notifier = ThemeNotifier()
    return _notifier


def theme_changed() -> SignalInstance:
    """Emitted after a theme was applied."""
    return theme_notifier().changed


def tokens() -> Tokens:
    """The colours now."""
    return theme_notifier().tokens


def apply_theme(app: QApplication, name: str) -> Tokens:
    """Put theme `name` ("dark", "light", or "system" for what the desktop says) on the whole application."""
    if name not in THEMES:
        raise ValueError(f"theme must be one of {', '.join(THEMES)}, not {name!r}")
    notifier = theme_notifier()
    chosen = _system_tokens() if name == "system" else {"dark": DARK, "light": LIGHT}[name]
    if not notifier.watching:
        notifier.watching = True
        app.styleHints().colorSchemeChanged.connect(notifier.on_scheme_changed)
        app.setStyle("Fusion")
        app.setFont(app_font())
    notifier.wanted = name
    # Every widget is polished anew by a style sheet: not for one that is there already.
    if notifier.applied is chosen:
        return chosen
    notifier.tokens = notifier.applied = chosen
    app.setPalette(_palette(chosen))
    app.setStyleSheet(style_sheet(chosen))
    notifier.changed.emit()
    return chosen


def _system_tokens() -> Tokens:
    return LIGHT if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK


def app_font(size: int = BODY) -> QFont:
    """The system's own font at `size` px, with figures of one width where the font has them."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    if sys.platform.startswith("linux") and (font.family().lower() in _NO_CHOICE or not _desktop()):
        known = set(QFontDatabase.families())
        family = next((f for f in _FONTS if f in known), font.family())
        font = QFont(family)
    font.setPixelSize(size)
    font.setStyleStrategy(QFont.StyleStrategy.PreferAntialias)
    return tabular(font)


def tabular(font: QFont) -> QFont:
    """`font` with tabular figures, where Qt (6.7 on) and the font know them."""
    if hasattr(font, "setFeature"):
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def scaled_font(size: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The application's font at `size` px, for painted text. Shared: do not change it."""
    return _scaled(QApplication.font().family(), size, weight)


@lru_cache(maxsize=64)
def _scaled(family: str, size: int, weight: QFont.Weight) -> QFont:
    # Asked for at every painting; setting a feature is not free.
    font = QFont(family)
    font.setPixelSize(size)
    font.setWeight(weight)
    return tabular(font)


def _desktop() -> bool:
    return bool(os.environ.get("XDG_CURRENT_DESKTOP"))


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget its look by `role`, also after it was shown."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        widget.update()


def blend(a: str, b: str, amount: float) -> str:
    """The colour `amount` (0 to 1) of the way from `a` to `b`."""
    mixed = [round(x + (y - x) * amount) for x, y in zip(_rgb(a), _rgb(b), strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def contrast(a: str, b: str) -> float:
    """WCAG contrast of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    parts = (c / 255 for c in _rgb(color))
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(color: str) -> tuple[int, int, int]:
    parsed = QColor(color)
    return parsed.red(), parsed.green(), parsed.blue()


def style_sheet(t: Tokens) -> str:
    """The one style sheet, `resources/theme.qss` with the tokens filled in."""
    lift = "#ffffff" if t.name == "dark" else "#000000"
    derived = {
        "accent_hover": blend(t.accent, lift, 0.12),
        "accent_pressed": blend(t.accent, "#000000", 0.12),
        "accent_soft": blend(t.panel, t.accent, 0.14),
        "pressed": blend(t.raised, t.background, 0.7),
        "disabled": blend(t.panel, t.dim, 0.72),
        "danger_soft": blend(t.panel, t.error, 0.16),
        "mute_ground": blend(t.panel, t.error, 0.18 if t.name == "dark" else 0.13),
        "solo_ground": blend(t.panel, t.bass, 0.22 if t.name == "dark" else 0.10),
        "scroll": blend(t.panel, t.dim, 0.35),
        "icons": resource("icons").as_posix(),
        "shade": t.name,
        "body": BODY,
        "small": SMALL,
        "section": SECTION,
        "title": TITLE,
        "radius": RADIUS,
    }
    return Template(resource("theme.qss").read_text("utf-8")).substitute(asdict(t) | derived)


def _palette(t: Tokens) -> QPalette:
    palette = QPalette()
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    for key, value in {
        role.Window: t.panel,
        role.WindowText: t.text,
        role.Base: t.background,
        role.AlternateBase: t.panel,
        role.Text: t.text,
        role.Button: t.raised,
        role.ButtonText: t.text,
        role.BrightText: t.error,
        role.Highlight: t.accent,
        role.HighlightedText: t.on_accent,
        role.ToolTipBase: t.raised,
        role.ToolTipText: t.text,
        role.PlaceholderText: t.dim,
        role.Link: t.accent,
        role.LinkVisited: t.accent,
        role.Light: t.hover,
        role.Midlight: t.raised,
        role.Mid: t.line,
        role.Dark: t.line,
        role.Shadow: t.background,
        role.Accent: t.accent,
    }.items():
        palette.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, key, QColor(blend(t.panel, t.dim, 0.72)))
    return palette
