"""The genre catalogue: whole, in range, and found by whatever people call a genre."""

from __future__ import annotations

import pytest

from nur_studio.core.genres import default_genre, find_genre, genre_phrases, genres
from nur_studio.core.prompt import read_prompt
from nur_studio.core.prompt_words import vocabulary
from nur_studio.core.request import MAX_TEMPO, MIN_TEMPO

TABLE = (
    "lo-fi", "hip hop", "trap", "house", "techno", "drum and bass", "ambient", "synthwave", "pop", "rock", "punk",
        "metal",
    "funk", "disco", "soul", "jazz", "bossa nova", "latin", "reggae", "dub", "blues", "folk", "country", "classical",
    "cinematic", "trance", "electronic",
)  # fmt: skip


def test_every_genre_of_the_design_is_there() -> None:
    names = {genre.name for genre in genres()}
    assert names >= set(TABLE)
    assert default_genre().name in names


@pytest.mark.parametrize("genre", genres(), ids=lambda genre: genre.name)
def test_a_genre_is_whole(genre) -> None:
    low, high = genre.tempo_range
    assert MIN_TEMPO <= low < high <= MAX_TEMPO
    assert low <= genre.tempo <= high
    assert genre.beats_per_bar in (3, 4)
    assert genre.moods and len(genre.chips) >= 5 and len(set(genre.chips)) == len(genre.chips)
    assert len(genre.example.split()) >= 7


@pytest.mark.parametrize("genre", genres(), ids=lambda genre: genre.name)
def test_an_example_prompt_is_read_as_its_own_genre(genre) -> None:
    reading = read_prompt(genre.example)
    assert reading.genre == genre.name
    assert reading.genre_heard
    assert reading.instruments or reading.textures


@pytest.mark.parametrize("genre", genres(), ids=lambda genre: genre.name)
def test_every_chip_says_something_to_the_reader(genre) -> None:
    plain = read_prompt(genre.name)
    understood = [chip for chip in genre.chips if read_prompt(f"{genre.name}, {chip}") != plain]
    # A chip that changes nothing would be an empty promise; a genre's own habits may be named again.
    assert len(understood) >= len(genre.chips) - 1, set(genre.chips) - set(understood)


def test_no_alias_belongs_to_two_genres() -> None:
    aliases = [alias for genre in genres() for alias in (genre.name, *genre.aliases)]
    assert len(genre_phrases()) == len({tuple(alias.replace("-", " ").split()) for alias in aliases})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Lo-Fi", "lo-fi"), ("LOFI", "lo-fi"), ("Hip-Hop", "hip hop"), ("hiphop", "hip hop"), ("D&B", "drum and bass"),
        ("DnB", "drum and bass"), ("Drum'n'Bass", "drum and bass"), ("r&b", "soul"), ("R & B", "soul"),
        ("EDM", "house"), ("rock 'n' roll", "rock"), ("dark melodic techno", "techno"), ("ambient techno", "techno"),
        ("psytrance", "trance"), ("britpop", "pop"), ("metalcore", "metal"), ("Film Score", "cinematic"),
        ("bossa", "bossa nova"), ("Électro", "electronic"), ("boom bap", "hip hop"), ("deathmetal", "metal"),
    ],
)  # fmt: skip
def test_genres_are_found_by_what_people_call_them(text: str, name: str) -> None:
    found = find_genre(text)
    assert found is not None and found.name == name


@pytest.mark.parametrize("text", ["", "   ", "polka", "🎹", "therapy", "x" * 4000])
def test_what_is_no_genre_is_not_found(text: str) -> None:
    assert find_genre(text) is None


def test_the_vocabulary_names_only_known_genres() -> None:
    names = {genre.name for genre in genres()}
    for meaning in vocabulary().values():
        assert set(meaning.hints) <= names
        assert meaning.genre in names or meaning.genre == ""
