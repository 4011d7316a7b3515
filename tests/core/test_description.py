"""What a model is told: the words of its training."""

from nur_studio.core.description import describe
from nur_studio.core.prompt import read_prompt


def told(prompt: str, tempo: int = 85, genre: str = "") -> str:
    return describe(prompt, read_prompt(prompt, genre or None), tempo, genre)


def test_the_prompt_comes_first_then_what_was_understood() -> None:
    assert told("Rainy night tape.", genre="lo-fi").startswith("Rainy night tape. genre: lo-fi. bpm: 85")
    assert "key: D minor" in told("slow waltz in D minor")


def test_moods_and_instruments_are_not_said_twice() -> None:
    assert told("calm piano") == f"calm piano. genre: {read_prompt('calm piano').genre}. bpm: 85"
    assert "moods: calm" in told("mellow Rhodes")


def test_lines_and_spaces_become_one_line() -> None:
    assert told("calm\n  piano , ").startswith("calm piano. genre: ")


def test_a_genre_of_ones_own_is_sent_as_it_was_written() -> None:
    assert "genre: gnawa. " in told("guembri and krakebs", genre="gnawa")
