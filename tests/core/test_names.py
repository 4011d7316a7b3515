"""Titles from prompts, and file names that every operating system takes."""

import pytest

from nur_studio.core.names import file_name, one_line, safe_file_stem, short_key, title_from_prompt


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("Chill lo-fi beat with jazzy Rhodes", "Chill lo-fi beat"),
        ("rainy night tape, 85 bpm", "Rainy night tape"),
        ("an upbeat song for the morning and the evening", "An upbeat song"),
        ("house", "House"),
        ("techno 131 bpm", "Techno"),
        ("at 120 BPM funky house", "Funky house"),
        ("85bpm", "Untitled"),
        ("the", "The"),
        ("   ", "Untitled"),
        ("...", "..."),
        ("piano \x1b[31mred\x07 \u202egnorw", "Piano [31mred gnorw"),
        ("\u202e", "Untitled"),
        ("épique orchestre", "Épique orchestre"),
    ],
)
def test_a_title_is_the_first_words(prompt: str, title: str) -> None:
    assert title_from_prompt(prompt) == title


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\r\nlines\tand a tab", "two lines and a tab"),
        ("\x1b]0;title\x07bell", "]0;title bell"),
        ("\u202eturned\u2066 twice\u2029", "turned twice"),
        ("half \udcff character", "half character"),
        ("عربي شُكْرًا", "عربي شُكْرًا"),
        ("👨‍👩‍👧 🎹", "👨‍👩‍👧 🎹"),
    ],
)
def test_one_line_moves_no_cursor_and_keeps_what_is_text(text: str, line: str) -> None:
    assert one_line(text) == line


def test_a_title_is_never_long() -> None:
    assert len(title_from_prompt("x" * 4000)) <= 60


@pytest.mark.parametrize(
    ("key", "short"), [("A minor", "Am"), ("F# major", "F#"), ("D dorian", "Ddor"), ("Bb", "Bb"), ("", "")]
)
def test_keys_are_short(key: str, short: str) -> None:
    assert short_key(key) == short


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Rainy night tape", "Rainy night tape"),
        ('a<b>c:d"e/f\\g|h?i*j', "a b c d e f g h i j"),
        ("../../etc/passwd", "etc passwd"),
        ("trailing. . ", "trailing"),
        ("tab\tand\nline\x00", "tab and line"),
        ("CON", "CON_"),
        ("com1.wav", "com1.wav_"),
        ("console", "console"),
        ("zero\u200bwidth\u202e", "zerowidth"),
        ("???", "Untitled"),
        ("", "Untitled"),
        ("cafe\u0301", "caf\u00e9"),
    ],
)
def test_names_are_safe_everywhere(text: str, safe: str) -> None:
    assert safe_file_stem(text) == safe


@pytest.mark.parametrize("text", ["x" * 500, "ü" * 500, "音" * 500, "🎹" * 500])
def test_names_fit_every_file_system(text: str) -> None:
    name = file_name(text, 220, "F# mixolydian", "vocals", "flac")
    assert len(name.encode()) < 150
    assert name.endswith("_220bpm_F#mix_vocals.flac")


def test_a_files_name_says_tempo_key_and_part() -> None:
    assert file_name("Rainy night tape", 85, "A minor", "drums", "wav") == "Rainy night tape_85bpm_Am_drums.wav"
    assert file_name("Rainy night tape", 85, "A minor", "mix", "mp3") == "Rainy night tape_85bpm_Am.mp3"
    assert file_name("Rain", 85, "", "mix", "mp3") == "Rain_85bpm.mp3"
