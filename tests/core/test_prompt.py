"""What is read from a prompt: a table of phrases, and texts nobody would call a prompt."""

from __future__ import annotations

import random

import pytest

from nur_studio.core.prompt import PromptReading, read_prompt
from nur_studio.core.request import MAX_TEMPO, MIN_TEMPO


@pytest.mark.parametrize(
    ("prompt", "tempo"),
    [
        ("85 bpm", 85), ("lo-fi at 120 BPM", 120), ("85bpm", 85), ("tempo 96 funk", 96), ("tempo: 140", 140),
        ("bpm=72", 72), ("128-bpm house", 128), ("techno @ 133", 133), ("100 beats per minute", 100), ("80-90 bpm",
            85),
        ("87.5 bpm", 87), ("bpm of 60", 60),
    ],
)  # fmt: skip
def test_tempo_in_numbers(prompt: str, tempo: int) -> None:
    reading = read_prompt(prompt)
    assert (reading.tempo, reading.tempo_heard, reading.tempo_range) == (tempo, True, (tempo, tempo))


@pytest.mark.parametrize("prompt", ["house 500 bpm", "house 12 bpm", "house from 1985", "house, 4 on 3", "house 24/7"])
def test_numbers_that_are_no_tempo(prompt: str) -> None:
    reading = read_prompt(prompt)
    assert not reading.tempo_heard
    assert reading.tempo == 124
    assert reading.beats_per_bar == 4


@pytest.mark.parametrize(
    ("word", "low", "high"),
    [("largo", 44, 60), ("adagio", 60, 78), ("Andante", 78, 100), ("allegro", 118, 146), ("presto", 165, 195)],
)
def test_italian_terms(word: str, low: int, high: int) -> None:
    reading = read_prompt(f"piano sonata, {word}")
    assert reading.tempo_heard
    assert low <= reading.tempo_range[0] <= reading.tempo <= reading.tempo_range[1] <= high


def test_tempo_words_bend_the_genre() -> None:
    plain, slow, fast = (read_prompt(f"{word} techno") for word in ("", "slow", "fast"))
    assert slow.tempo < plain.tempo < fast.tempo
    assert not slow.tempo_heard and not fast.tempo_heard
    assert slow.tempo_range[1] <= plain.tempo <= fast.tempo_range[0]


def test_the_persons_own_choice_decides() -> None:
    reading = read_prompt("slow jazz at 90 bpm", genre="Techno", tempo=150)
    assert (reading.genre, reading.genre_heard, reading.tempo) == ("techno", True, 150)


def test_an_unknown_genre_falls_back_to_the_prompt() -> None:
    assert read_prompt("smoky saxophone and walking bass", genre="polka").genre == "jazz"
    assert read_prompt("hello", genre="polka").genre_heard is False


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("in F# minor", "F# minor"), ("A minor trap beat", "A minor"), ("D dorian", "D dorian"),
        ("Bb major waltz", "Bb major"), ("C# phrygian metal", "C# phrygian"), ("E flat major", "Eb major"),
        ("c sharp minor sonata", "C# minor"), ("B-flat minor", "Bb minor"), ("key of G", "G major"),
        ("in the key of D minor", "D minor"), ("something in Am", "A minor"), ("F#m ballad", "F# minor"),
        ("house in a minor, dark", "A minor"), ("g mixolydian", "G mixolydian"), ("A major", "A major"),
        ("F♯ min", "F# minor"), ("in E", "E major"), ("Ab lydian", "Ab lydian"), ("in C major with strings",
            "C major"),
        ("a major success", ""), ("in a minor key", ""), ("a minor setback", ""), ("A major label pop hit", ""),
        ("I Am a song", ""), ("be major", ""), ("sad", ""), ("plan b minority report", ""),
    ],
)  # fmt: skip
def test_keys(prompt: str, key: str) -> None:
    assert read_prompt(prompt).key == key


def test_a_minor_key_is_a_mood() -> None:
    reading = read_prompt("strings in a minor key")
    assert reading.key == "" and reading.moods == ("minor",)


@pytest.mark.parametrize(
    ("prompt", "beats"),
    [
        ("3/4", 3), ("slow waltz", 3), ("6/8 ballad", 3), ("5/4 jazz", 5), ("7/8 rock", 7), ("12/8 blues", 4),
        ("2/4 march", 2), ("house", 4), ("open 24/7", 4), ("since 3/48", 4), ("jazz waltz", 3),
    ],
)  # fmt: skip
def test_metres(prompt: str, beats: int) -> None:
    assert read_prompt(prompt).beats_per_bar == beats


@pytest.mark.parametrize(
    ("prompt", "excluded"),
    [
        ("lo-fi, no drums", {"drums"}), ("without vocals", {"vocals"}), ("drumless ambient", {"drums"}),
        ("instrumental rock", {"vocals"}), ("without drums or bass", {"drums", "bass"}),
        ("no drums, bass or vocals", {"drums", "bass", "vocals"}), ("don't use guitars", {"guitar"}),
        ("no drums, piano and strings", {"drums"}), ("no nonsense drums", set()), ("not only drums", set()),
        ("solo piano", {"drums", "bass", "vocals", "other"}), ("just drums", {"bass", "vocals", "other"}),
        ("a cappella", {"drums", "bass", "other"}), ("piano only", {"drums", "bass", "vocals", "other"}),
        ("jazz without the piano", {"piano"}), ("techno minus melody", {"melody"}), ("lo-fi, no vinyl",
            {"vinyl crackle"}),
        ("guitar solo", set()), ("no drums but big bass", {"drums"}),
    ],
)  # fmt: skip
def test_exclusions(prompt: str, excluded: set[str]) -> None:
    reading = read_prompt(prompt)
    assert set(reading.excluded) == excluded
    assert not set(reading.excluded) & set(reading.instruments)


@pytest.mark.parametrize(
    ("prompt", "instruments"),
    [
        ("jazzy piano chords", ("piano",)), ("strings and a choir", ("strings", "choir")),
        ("acoustic guitars, violins", ("acoustic guitar", "strings")), ("sliding 808s", ("808",)),
        ("Wurlitzer", ("rhodes",)), ("tenor sax over upright bass", ("saxophone", "upright bass")),
        ("distorted guitars", ("distorted guitar",)), ("classical guitar", ("nylon guitar",)), ("female vocals",
            ("vocals",)),
        ("muted trumpet", ("muted trumpet",)), ("no piano", ()), ("drum and bass", ()), ("trumpets & trombones",
            ("trumpet", "brass")),
    ],
)  # fmt: skip
def test_instruments(prompt: str, instruments: tuple[str, ...]) -> None:
    assert read_prompt(prompt).instruments == instruments


@pytest.mark.parametrize(
    ("prompt", "textures"),
    [
        ("vinyl crackle", ("vinyl crackle",)), ("tape hiss and rain", ("tape hiss", "rain")), ("rainy night",
            ("rain",)),
        ("ocean waves, campfire", ("waves", "fire")), ("a windy forest with crickets", ("wind", "night")),
        ("synth wave", ()), ("wind instruments", ()),
    ],
)  # fmt: skip
def test_textures(prompt: str, textures: tuple[str, ...]) -> None:
    assert read_prompt(prompt).textures == textures


@pytest.mark.parametrize(
    ("prompt", "genre"),
    [
        ("Upbeat lo-fi hip hop beat with jazzy piano chords and vinyl crackle", "lo-fi"), ("epic orchestral trailer",
            "cinematic"),
        ("drum and bass", "drum and bass"), ("neon 80s night drive", "synthwave"), ("walking bass and brushes",
            "jazz"),
        ("classical guitar over a techno beat", "techno"), ("string quartet", "classical"), ("pop punk", "punk"),
        ("four on the floor party", "house"), ("heavy distorted guitars", "rock"), ("yoga and sleep", "ambient"),
        ("jazz with a touch of funk", "jazz"), ("not jazz, rock please", "rock"), ("trip-hop", "downtempo"),
        ("solo piano", "classical"), ("banjo and train beat", "country"), ("not too fast jazz", "jazz"),
    ],
)  # fmt: skip
def test_genres_from_words(prompt: str, genre: str) -> None:
    reading = read_prompt(prompt)
    assert (reading.genre, reading.genre_heard) == (genre, True)


def test_moods_half_time_and_loop() -> None:
    reading = read_prompt("dark, melancholic half-time trap loop")
    assert reading.moods == ("dark", "sad")
    assert reading.half_time and reading.loop
    assert not read_prompt("no loop, not dark").loop
    assert read_prompt("not sad").moods == ()


@pytest.mark.parametrize(
    "prompt", ["", "   \n", "🎹🎶🔥", "موسيقى هادئة", "ひみつ", "1234567890", "no no no", "/" * 50, "a minor " * 500]
)
def test_any_text_is_read_and_nothing_heard_is_sensible(prompt: str) -> None:
    reading = read_prompt(prompt)
    assert MIN_TEMPO <= reading.tempo_range[0] <= reading.tempo <= reading.tempo_range[1] <= MAX_TEMPO
    assert not reading.genre_heard


def test_random_text_never_breaks_the_reader() -> None:
    chance = random.Random(1)
    pieces = [
        "no",
        "without",
        "solo",
        "A minor",
        "85",
        "bpm",
        "3/4",
        "jazz",
        ",",
        "or",
        "and",
        "&",
        "half",
        "time",
        "é",
        "🎺",
        "’",
        "#",
    ]
    for _ in range(400):
        text = " ".join(chance.choice(pieces) for _ in range(chance.randrange(14)))
        reading = read_prompt(text)
        assert isinstance(reading, PromptReading)
        assert reading == read_prompt(text)
        assert reading.beats_per_bar >= 2
