"""What was understood of a prompt, as one line for people: facts heard stand out, guesses say that they are."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QCoreApplication

from nur_studio.core.prompt import PromptReading

_MAX_NAMED = 5  # instruments and textures named in the line; the rest is counted


def _tr(text: str) -> str:
    return QCoreApplication.translate("Heard", text)


def heard_line(reading: PromptReading, accent: str) -> str:
    """`Heard: lo-fi, about 76 BPM, D minor; Rhodes, drums, bass, rain` as rich text, facts in `accent`."""

    def fact(text: str) -> str:
        return f'<span style="color:{accent}">{escape(text)}</span>'

    genre = fact(reading.genre) if reading.genre_heard else _tr("perhaps {genre}").format(genre=escape(reading.genre))
    bpm = _tr("{tempo} BPM").format(tempo=reading.tempo)
    facts = [genre, fact(bpm) if reading.tempo_heard else _tr("about {bpm}").format(bpm=fact(bpm))]
    if reading.key:
        facts.append(fact(reading.key))
    if reading.beats_per_bar != 4:
        facts.append(fact(f"{reading.beats_per_bar}/4"))
    if reading.half_time:
        facts.append(fact(_tr("half-time")))
    named = [*reading.moods, *reading.instruments, *reading.textures]
    shown = [escape(name) for name in named[:_MAX_NAMED]]
    if len(named) > _MAX_NAMED:
        shown.append(_tr("{count} more").format(count=len(named) - _MAX_NAMED))
    shown += [_tr("no {part}").format(part=escape(part)) for part in reading.excluded]
    line = _tr("Heard: {facts}").format(facts=", ".join(facts))
    return f"{line}; {', '.join(shown)}" if shown else line


def bars_text(duration: int, tempo: int, beats_per_bar: int) -> str:
    """`10.6 bars` of a length in seconds; whole numbers without the point."""
    bars = duration * tempo / 60.0 / beats_per_bar
    rounded = round(bars, 1)
    number = f"{rounded:.0f}" if rounded == int(rounded) else f"{rounded:.1f}"
    return _tr("1 bar") if number == "1" else _tr("{bars} bars").format(bars=number)


def seconds_text(bars: int, tempo: int, beats_per_bar: int) -> str:
    """`16.9 s` of a length in bars; whole numbers without the point."""
    return _tr("{seconds} s").format(seconds=f"{bars * beats_per_bar * 60.0 / tempo:.1f}".removesuffix(".0"))
