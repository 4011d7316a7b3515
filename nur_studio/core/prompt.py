"""What a prompt says: genre, tempo, key, metre, moods, instruments, textures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from nur_studio.core.genres import Genre, default_genre, find_genre, genre_named, words
from nur_studio.core.prompt_words import LONGEST, STEMS, Meaning, instrument_families, vocabulary
from nur_studio.core.request import MAX_TEMPO, MIN_TEMPO


@dataclass(frozen=True, slots=True)
class PromptReading:
    """What was understood, shown while one types and handed to the engines.

    `genre` is always decided (canonical name, e.g. "lo-fi"); `genre_heard` says whether words or the person said so.
    `tempo` is in BPM and always decided; `tempo_heard` is true for "85 bpm", "allegro" or the person's own number,
    false where it is only the middle of `tempo_range`, the genre's usual one.
    `key` is "A minor", "F# major", "D dorian" …, or "" where nothing was said. `excluded` holds what "no drums",
    "without vocals" or "solo piano" rule out, in stem or instrument names; "other" beside named instruments
    means nothing but those.
    """

    genre: str
    genre_heard: bool
    tempo: int
    tempo_heard: bool
    tempo_range: tuple[int, int]
    key: str = ""
    beats_per_bar: int = 4
    moods: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    textures: tuple[str, ...] = ()
    half_time: bool = False
    loop: bool = False


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_TEMPO = re.compile(
    r"(?<![\d.,])(\d{2,3})(?:\.\d+)?(?:\s*(?:-|–|to)\s*(\d{2,3}))?\s*-?(?:bpm\b|beats?[ -]per[ -]minute)"
    r"|\b(?:tempo|bpm)\s*(?:of|is|at|around|about|[:=])?\s*(\d{2,3})\b|@\s*(\d{2,3})\b",
    re.IGNORECASE,
)
_METRE = re.compile(r"(?<![\d/])(2|3|4|5|6|7|9|12)\s*/\s*(4|8)(?![\d/])")
# 6/8 and 9/8 are counted here in the quarter notes that fill their bar; 12/8 is four beats with a shuffle.
_BEATS = {"2/4": 2, "3/4": 3, "4/4": 4, "5/4": 5, "6/4": 6, "7/4": 7, "6/8": 3, "9/8": 3, "12/8": 4, "7/8": 7, "5/8": 5}
_MODES = {
    "maj": "major", "major": "major", "ionian": "major", "min": "minor", "minor": "minor", "aeolian": "minor",
    "dorian": "dorian", "phrygian": "phrygian", "lydian": "lydian", "mixolydian": "mixolydian", "locrian": "locrian",
}  # fmt: skip
_KEY = re.compile(
    r"(?P<lead>\b(?:in|key(?:\s+of|\s*:|\s+is)?|in\s+the\s+key\s+of)\s+)?(?<![\w'’-])(?P<tonic>[A-Ga-g])"
    r"(?P<sign>\s?[#♯♭]|b(?![a-z])|[\s-](?:sharp|flat)\b)?"
    r"[\s-]?(?P<mode>major|minor|maj|min|ionian|dorian|phrygian|lydian|mixolydian|aeolian|locrian)\b(?P<after>\s+[\w']+)?",
    re.IGNORECASE,
)
_SHORT_KEY = re.compile(
    r"\b(?P<lead>in|key of|key:)\s+(?P<tonic>[A-G])(?P<sign>[#♯♭b])?(?P<mode>m)?(?![\w#♯♭'’-])"
    r"|(?<![\w'’])(?P<tonic2>[A-G])(?P<sign2>[#♯♭b])m(?!\w)"
)
# "A major success", "a minor setback": an article before an adjective, unless what follows belongs to music.
_AFTER_KEY = _set(
    "at with and for song beat track piece tune loop theme piano guitar strings bpm tempo in on by about feel "
    "featuring using over under chords progression pentatonic blues scale tonality then or"
)
_NEGATION = _set("no without minus sans not never non excluding except avoid skip dont")
_SCOPE_ENDS = _set("but with just plus then featuring over only instead")
_FILLER = _set(
    "use using have include want add a an any the of real much too many at all more or and nor very overly big loud "
    "heavy live"
)
_SOLO = _set("solo only just unaccompanied alone")
_LESS = {"drumless": "drums", "beatless": "drums", "bassless": "bass", "voiceless": "vocals", "wordless": ""}
_CLAUSE = re.compile(r"[.;:!?\n()\[\]|]|,|\s[-–—]\s")
_SHRUNK = re.compile(r"\b(do|does|is|ca|wo)n['’]t\b", re.IGNORECASE)


@dataclass(slots=True)
class _Heard:
    """What was collected on the way through a prompt."""

    genres: dict[str, float] = field(default_factory=dict)
    moods: dict[str, None] = field(default_factory=dict)
    instruments: dict[str, None] = field(default_factory=dict)
    excluded: dict[str, None] = field(default_factory=dict)
    textures: dict[str, None] = field(default_factory=dict)
    terms: list[tuple[int, int]] = field(default_factory=list)
    paces: dict[str, None] = field(default_factory=dict)
    named: dict[str, None] = field(default_factory=dict)  # genres by name, not by hint
    beats: int = 0
    alone: bool = False
    half_time: bool = False
    loop: bool = False


def read_prompt(prompt: str, genre: str | None = None, tempo: int | None = None) -> PromptReading:
    """Understand `prompt`; the person's own `genre` and `tempo`, decide where given. Never raises."""
    heard = _Heard()
    text = _SHRUNK.sub("not", prompt)
    key_match, key = _find_key(text)
    if key_match is not None:
        # What is left must not read "minor" or "blues" twice.
        text = text[: key_match.start()] + " " + text[key_match.end("mode") :]
    for clause in _clauses(text):
        _read_clause(clause, heard)
    metre = _METRE.search(text)
    if metre is not None:
        heard.beats = _BEATS.get(f"{metre[1]}/{metre[2]}", heard.beats)
    _settle_exclusions(heard)

    wanted = find_genre(genre) if genre else None
    said = wanted or _best_genre(heard)
    chosen = said or default_genre()
    bpm, tempo_heard, tempo_range = _tempo(text, tempo, heard, chosen)
    return PromptReading(
        genre=chosen.name,
        genre_heard=said is not None,
        tempo=bpm,
        tempo_heard=tempo_heard,
        tempo_range=tempo_range,
        key=key,
        beats_per_bar=heard.beats or chosen.beats_per_bar,
        moods=tuple(heard.moods),
        instruments=tuple(heard.instruments),
        excluded=tuple(heard.excluded),
        textures=tuple(heard.textures),
        half_time=heard.half_time,
        loop=heard.loop,
    )


def _clauses(text: str) -> Iterable[list[str]]:
    """Words, clause by clause: a negation never reaches over a comma, unless the list goes on with "or"."""
    held: list[str] = []
    for piece in _CLAUSE.split(text):
        said = words(piece)
        if not said:
            continue
        if held and said[0] in ("or", "nor"):
            held += said
            continue
        if held and _ends_negated(held) and any(word in ("or", "nor") for word in said[1:4]):
            held += ["or", *said]
            continue
        if held:
            yield held
        held = said
    if held:
        yield held


def _ends_negated(clause: list[str]) -> bool:
    return any(word in _NEGATION for word in clause[-4:])


def _read_clause(said: list[str], heard: _Heard) -> None:
    table = vocabulary()
    negated = False
    position, genre_end = 0, -1
    while position < len(said):
        word = said[position]
        step, found = 1, None
        for length in range(min(LONGEST, len(said) - position), 0, -1):
            found = table.get(tuple(said[position : position + length]))
            if found is not None:
                step = length
                break
        if word in _NEGATION and said[position + 1 : position + 2] != ["only"]:
            negated = True
        elif _structures(said, position, step, heard, negated) or found is not None:
            if found is not None:
                _take(found, heard, negated, follows=bool(found.genre) and genre_end == position)
                genre_end = position + step if found.genre else genre_end
                # "Not too fast jazz" still wants jazz.
                negated = negated and not (found.pace or found.moods)
        elif negated and word not in _FILLER:
            # An unknown word ends what "no" rules out: "no nonsense drums" wants drums.
            negated = False
        if word in _SCOPE_ENDS:
            negated = False
        position += step


def _take(meaning: Meaning, heard: _Heard, negated: bool, follows: bool) -> None:
    if negated:
        heard.excluded.update(dict.fromkeys((*meaning.instruments, *meaning.textures)))
        return
    if meaning.genre:
        # The first genre named counts a little more: "lo-fi with a touch of jazz" is lo-fi. But where two stand
        # together the second is the noun: "ambient techno" is techno.
        weight = 1.1 if follows else 1.0 if not heard.named else 0.85
        heard.genres[meaning.genre] = heard.genres.get(meaning.genre, 0.0) + weight
        heard.named[meaning.genre] = None
    for name, weight in meaning.hints.items():
        heard.genres[name] = heard.genres.get(name, 0.0) + weight
    heard.moods.update(dict.fromkeys(meaning.moods))
    heard.instruments.update(dict.fromkeys(meaning.instruments))
    heard.textures.update(dict.fromkeys(meaning.textures))
    if meaning.tempo is not None:
        heard.terms.append(meaning.tempo)
    if meaning.pace:
        heard.paces[meaning.pace] = None


def _structures(said: list[str], position: int, step: int, heard: _Heard, negated: bool) -> bool:
    return max(_structure(said, position + i, heard, negated) for i in range(step))


def _structure(said: list[str], position: int, heard: _Heard, negated: bool) -> bool:
    """Words about the form, not about sound: metre, half-time, loop, solo, instrumental. True where it was one."""
    word = said[position]
    after = said[position + 1] if position + 1 < len(said) else ""
    if word in _LESS:
        if _LESS[word]:
            heard.excluded[_LESS[word]] = None
    elif word in ("halftime", "half") and (word == "halftime" or after == "time"):
        heard.half_time = heard.half_time or not negated
    elif word in ("loop", "loops", "loopable", "looping", "looped", "seamless"):
        heard.loop = heard.loop or not negated
    elif word in ("waltz", "waltzes", "valse", "viennese"):
        heard.beats = heard.beats or 3
    elif word in ("instrumental", "instrumentals"):
        if not negated:
            heard.excluded["vocals"] = None
    elif word in ("acapella", "acappella", "cappella"):
        heard.alone = True
        heard.instruments["vocals"] = None
    elif word in ("minor", "major"):
        # "In a minor key" speaks of the mode alone; "a major success" of neither.
        if not negated and after in ("key", "keys", "scale", "mode", "tonality", "chords", "feel", ""):
            heard.moods[word] = None
    elif word in _SOLO:
        near = _instrument_near(said, position)
        heard.alone = heard.alone or (near and not negated)
    else:
        return False
    return True


def _instrument_near(said: list[str], position: int) -> bool:
    """Whether "solo", "only", "just", "alone" stands beside an instrument: "solo piano", "just drums",
    "piano only"."""
    table = vocabulary()
    before = position > 0 and bool((m := table.get((said[position - 1],))) and m.instruments)
    if said[position] in ("only", "alone"):
        return before
    rest = [word for word in said[position + 1 : position + 4] if word not in ("a", "an", "the", "one")][:2]
    return any((m := table.get(tuple(rest[:n]))) is not None and bool(m.instruments) for n in (1, 2))


def _settle_exclusions(heard: _Heard) -> None:
    """ "Solo piano" rules out all else; what is ruled out by name cannot also be asked for."""
    if heard.alone and heard.instruments:
        families = instrument_families()
        kept = {families.get(name, "other") for name in heard.instruments}
        heard.excluded.update(dict.fromkeys(stem for stem in STEMS if stem not in kept or stem == "other"))
    for name in heard.excluded:
        heard.instruments.pop(name, None)
    if "vocals" in heard.excluded:
        heard.instruments.pop("choir", None)


def _best_genre(heard: _Heard) -> Genre | None:
    """The genre with most behind it; a genre named outright beats any number of hints."""
    if heard.named:
        return genre_named(max(heard.named, key=lambda name: heard.genres[name]))
    if not heard.genres:
        return None
    best = max(heard.genres, key=lambda name: heard.genres[name])
    return genre_named(best) if heard.genres[best] >= (0.1 if heard.alone else 0.25) else None


def _tempo(text: str, given: int | None, heard: _Heard, genre: Genre) -> tuple[int, bool, tuple[int, int]]:
    """BPM, whether it was said, and the range to draw from where it was not."""
    if given is not None and MIN_TEMPO <= given <= MAX_TEMPO:
        return given, True, (given, given)
    for match in _TEMPO.finditer(text):
        numbers = [int(group) for group in match.groups() if group]
        if all(MIN_TEMPO <= number <= MAX_TEMPO for number in numbers):
            exact = round(sum(numbers) / len(numbers))
            return exact, True, (exact, exact)
    if heard.terms:
        low, high = heard.terms[0]
        return (low + high) // 2, True, (low, high)
    low, high = genre.tempo_range
    if "slow" in heard.paces and "fast" not in heard.paces:
        return _between(low * 0.88, low + (high - low) * 0.25)
    if "fast" in heard.paces and "slow" not in heard.paces:
        return _between(high - (high - low) * 0.22, high * 1.15)
    calm = bool({"calm", "sad"} & heard.moods.keys()) and not {"energetic", "aggressive"} & heard.moods.keys()
    if calm:
        return _between(low, low + (high - low) * 0.5)
    if {"energetic", "aggressive"} & heard.moods.keys():
        return _between(low + (high - low) * 0.5, high)
    return genre.tempo, False, (low, high)


def _between(low: float, high: float) -> tuple[int, bool, tuple[int, int]]:
    bottom = max(MIN_TEMPO, round(low))
    top = max(bottom, min(MAX_TEMPO, round(high)))
    return (bottom + top) // 2, False, (bottom, top)


def _find_key(text: str) -> tuple[re.Match[str] | None, str]:
    """The first key named, and its name in the studio's spelling ("" where there is none)."""
    for match in _KEY.finditer(text):
        if _is_key(match):
            return match, f"{_tonic(match['tonic'], match['sign'])} {_MODES[match['mode'].lower()]}"
    for match in _SHORT_KEY.finditer(text):
        if match["tonic2"]:
            return None, f"{_tonic(match['tonic2'], match['sign2'])} minor"
        return None, f"{_tonic(match['tonic'], match['sign'])} {'minor' if match['mode'] else 'major'}"
    return None, ""


def _is_key(match: re.Match[str]) -> bool:
    if match["sign"] or match["tonic"] not in "Aa":
        # "b minor" and "F minor" are keys in any case; single letters other than "a" are no English words.
        return True
    after = (match["after"] or "").strip().lower()
    if after in ("key", "keys") and match["tonic"] == "a":
        return False
    if match["mode"].lower() not in ("major", "minor", "maj", "min"):
        return True
    if match["lead"] or match["tonic"] == "A":
        known = after in _AFTER_KEY or after.isdigit() or (after,) in vocabulary() or after in ("key", "waltz")
        return not after or known
    return False


def _tonic(letter: str, sign: str | None) -> str:
    mark = (sign or "").strip(" -").lower()
    return letter.upper() + ("#" if mark in ("#", "♯", "sharp") else "b" if mark else "")
