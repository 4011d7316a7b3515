"""The composer: whatever the genre, length and tempo, a score that is whole, in time, and obeys the words."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from nur_studio.core.genres import genres
from nur_studio.core.prompt import read_prompt
from nur_studio.engines.base import MusicTask
from nur_studio.engines.sketch.compose import compose
from nur_studio.engines.sketch.compose.ranges import RANGES
from nur_studio.engines.sketch.compose.styles import STYLES
from nur_studio.engines.sketch.compose.theory import parse_key
from nur_studio.engines.sketch.score import INSTRUMENTS, KITS, SOUNDS, Part, Score

GENRES = [genre.name for genre in genres()]


def task(prompt: str, duration: float = 30, tempo: int | None = None, seed: int = 1) -> MusicTask:
    reading = read_prompt(prompt, None, tempo)
    return MusicTask(prompt, duration, reading.tempo, seed, reading)


def part_of(score: Score, stem: str) -> list[Part]:
    return [part for part in score.parts if part.stem == stem]


def check(score: Score) -> None:
    """What every synthesizer may rely on."""
    beat_s = 60.0 / score.tempo
    total = score.duration_s / beat_s
    assert score.parts
    for part in score.parts:
        assert part.stem in ("drums", "bass", "vocals", "other")
        assert part.instrument in (KITS if part.hits else INSTRUMENTS)
        assert bool(part.notes) != bool(part.hits)
        assert all(
            0 <= value <= 1
            for value in (part.width, part.room, part.hall, part.delay, part.duck, part.drive, part.wobble)
        )
        assert -1 <= part.pan <= 1
        assert [beat for beat, _ in part.brightness] == sorted(beat for beat, _ in part.brightness)
        assert all(0 <= level <= 1 for _, level in part.brightness)
        assert [n.beat for n in part.notes] == sorted(n.beat for n in part.notes)
        assert [h.beat for h in part.hits] == sorted(h.beat for h in part.hits)
        sounding: dict[int, float] = {}
        for note in part.notes:
            start = note.beat + note.shift_s / beat_s
            assert start >= -1e-9 and note.beat >= 0
            assert note.duration > 0 and start + note.duration <= total + 1e-6
            assert 0 <= note.velocity <= 1
            low, high = RANGES[part.instrument]
            assert low <= note.pitch <= high, part
            assert sounding.get(note.pitch, -1.0) <= start + 1e-9, (part.name, note)
            sounding[note.pitch] = start + note.duration
            assert abs(note.shift_s) < 0.35
        for hit in part.hits:
            assert hit.sound in SOUNDS and 0 <= hit.velocity <= 1
            assert 0 <= hit.beat + hit.shift_s / beat_s <= total
            assert hit.beat + hit.shift_s / beat_s + hit.duration <= total + 1e-6
    bars = score.duration_s / beat_s / score.beats_per_bar
    assert score.sections[0].start_bar == 0
    for before, after in pairwise(score.sections):
        assert before.start_bar + before.bars == pytest.approx(after.start_bar)
    assert score.sections[-1].start_bar + score.sections[-1].bars == pytest.approx(bars, abs=0.01)


@pytest.mark.parametrize("genre", GENRES)
def test_every_length_and_tempo_gives_a_whole_score(genre: str) -> None:
    # Slowest and fastest where bars are scarce, each template of the form once, and the longest piece.
    cases = [(5, 40), (5, 220), (12, 85), (12, 174), (7, 40), (30, 40), (30, 220), (61, 85), (300, 120)]
    for seed, (seconds, tempo) in enumerate(cases):
        score = compose(task(genre, seconds, tempo, seed))
        assert score.tempo == tempo and score.duration_s == seconds
        check(score)


@pytest.mark.parametrize("genre", GENRES)
def test_it_ends_on_the_tonic_and_rings_out(genre: str) -> None:
    for seed, seconds in ((1, 12), (2, 30), (3, 90)):
        score = compose(task(genre, seconds, seed=seed))
        beat_s = 60.0 / score.tempo
        last_onset = max(event.beat for part in score.parts for event in (*part.notes, *part.hits)) * beat_s
        # A second to ring where there is room, a bar at most left empty beyond what the tail wants.
        assert min(1.0, 0.15 * seconds) * 0.9 <= seconds - last_onset
        bass = part_of(score, "bass")
        if bass:
            key = parse_key(score.key)
            assert key is not None
            assert bass[0].notes[-1].pitch % 12 == key.tonic, (genre, seed)
            assert bass[0].notes[-1].beat == pytest.approx(last_onset / beat_s)


@pytest.mark.parametrize("metre", ["3/4", "5/4", "2/4", "7/4", "6/4"])
def test_other_metres_reach_every_part(metre: str) -> None:
    for genre in ("rock", "jazz", "house", "folk", "classical", "lo-fi"):
        score = compose(task(f"{genre} in {metre}", 30))
        check(score)
        assert score.beats_per_bar == int(metre[0])
    waltz = compose(task("folk waltz in 3/4", 30))
    strong = [n.beat for n in part_of(waltz, "bass")[0].notes]
    assert sum(beat % 3 == 0 for beat in strong) >= len(strong) / 3


def test_the_same_task_gives_the_same_score() -> None:
    assert compose(task("lo-fi with piano", 40, seed=7)) == compose(task("lo-fi with piano", 40, seed=7))


def test_another_seed_gives_another_piece() -> None:
    scores = [compose(task("house", 30, seed=seed)) for seed in range(6)]
    assert len({tuple(n.pitch for part in s.parts for n in part.notes) for s in scores}) == 6
    assert len({s.key for s in scores}) > 2


def test_the_words_rule_out() -> None:
    for prompt, gone in (
        ("lo-fi no drums", "drums"),
        ("rock without bass", "bass"),
        ("pop with voice but no bass", "bass"),
    ):
        assert not part_of(compose(task(prompt)), gone)
    horns = {"brass", "french_horn", "trumpet", "muted_trumpet"}
    assert not horns & {part.instrument for part in compose(task("epic cinematic trailer without brass")).parts}
    jazz = compose(task("jazz without piano, no saxophone"))
    assert not {p.instrument for p in jazz.parts} & {"piano", "saxophone"}
    assert not any(h.sound == "crash" for p in compose(task("rock")).parts for h in p.hits if "crash" in p.name)
    still = compose(task("techno, no melody", 60))
    assert all(part.name != "Hook" for part in still.parts)


@pytest.mark.parametrize("instrument", ["piano", "harp", "violin", "flute", "organ"])
def test_solo_is_solo(instrument: str) -> None:
    score = compose(task(f"solo {instrument}", 60))
    check(score)
    assert {part.instrument for part in score.parts} == {instrument}


@pytest.mark.parametrize(
    ("prompt", "instrument"),
    [
        ("techno with violin", "violin"), ("rock with banjo and flute", "banjo"), ("rock with banjo and flute",
            "flute"),
        ("ambient with harp", "harp"), ("house with saxophone", "saxophone"), ("metal with harpsichord",
            "harpsichord"),
        ("trap with choir", "choir"), ("jazz with slap bass", "slap_bass"), ("cinematic choir", "choir"),
        ("lo-fi with kalimba", "kalimba"), ("folk with vocals", "voice"), ("dubstep and timpani", "timpani"),
        ("pop with trumpet, saxophone and clarinet", "clarinet"),
    ],
)  # fmt: skip
def test_asked_instruments_play(prompt: str, instrument: str) -> None:
    for seed in range(3):
        score = compose(task(prompt, 30, seed=seed))
        check(score)
        notes = [n for part in score.parts if part.instrument == instrument for n in part.notes]
        assert len(notes) >= 4, {part.instrument for part in score.parts}


def test_asked_drums_play() -> None:
    sounds = {h.sound for p in compose(task("lo-fi with congas and cowbell")).parts for h in p.hits}
    assert {"conga_high", "conga_low", "cowbell"} <= sounds
    assert part_of(compose(task("ambient with drums", 40)), "drums")


def test_vocals_only_where_asked() -> None:
    for genre in GENRES:
        assert not part_of(compose(task(genre)), "vocals")
    assert part_of(compose(task("a cappella")), "vocals")


def test_words_that_are_more_than_an_instrument() -> None:
    acid = compose(task("acid house with choir"))
    assert acid.genre == "house" and acid.finish.glue > 0.5
    assert {p.instrument for p in part_of(acid, "bass")} == {"acid_bass"} and part_of(acid, "vocals")
    assert any(n.accent for n in part_of(acid, "bass")[0].notes)
    assert "acid_bass" not in {p.instrument for p in compose(task("acid jazz")).parts}
    duo = compose(task("flute and harp"))
    assert duo.genre == "classical" and not part_of(duo, "drums")
    assert {"flute", "harp"} <= {p.instrument for p in duo.parts}
    assert compose(task("house with flute and harp")).genre == "house"


def test_parts_are_called_by_what_plays_them() -> None:
    for seed in range(6):
        for genre in ("classical", "jazz", "folk"):
            for p in compose(task(genre, seed=seed)).parts:
                called = p.name.lower().replace(" ", "_")
                assert called not in RANGES or called == p.instrument, (p.name, p.instrument)


def test_key_and_mode_are_kept() -> None:
    for key, scale in (("F# minor", {6, 8, 9, 11, 1, 2, 4}), ("D dorian", {2, 4, 5, 7, 9, 11, 0})):
        score = compose(task(f"house in {key}", 60))
        assert score.key == key
        pitches = [n.pitch % 12 for part in score.parts for n in part.notes]
        assert sum(p in scale for p in pitches) / len(pitches) > 0.9


def test_moods_choose_the_mode() -> None:
    minor = [compose(task("sad pop", seed=seed)).key for seed in range(8)]
    major = [compose(task("happy lo-fi", seed=seed)).key for seed in range(8)]
    assert all("minor" in key or "dorian" in key for key in minor)
    assert all("major" in key for key in major)


def test_textures_come_from_words_and_genre() -> None:
    kinds = {t.kind for t in compose(task("jazz with vinyl crackle, rain and tape hiss")).textures}
    assert kinds == {"vinyl_crackle", "rain", "tape_hiss"}
    assert {t.kind for t in compose(task("lo-fi")).textures} == {"vinyl_crackle"}
    assert not compose(task("lo-fi, no vinyl crackle")).textures


def test_a_loop_has_no_ending() -> None:
    score = compose(task("house loop at 120 bpm", 16))
    check(score)
    assert score.finish.loop and score.finish.fade_out_s == 0
    assert "end" not in {section.name for section in score.sections}
    kicks = {h.beat for p in score.parts for h in p.hits if h.sound == "kick"}
    assert max(kicks) >= 30  # plays through its last bar


def test_hands_waver_around_the_grid() -> None:
    for genre in ("rock", "jazz", "pop", "techno", "folk"):
        score = compose(task(genre, 120))
        shifts = [
            e.shift_s for p in score.parts for e in (*p.notes, *p.hits)
            if e.beat % 1 == 0 and getattr(e, "sound", "") not in ("snare", "clap", "rim")
        ]  # fmt: skip
        assert abs(statistics.fmean(shifts)) < 0.0015, genre
        assert genre == "techno" or 0.001 < statistics.pstdev(shifts) < 0.012


def test_every_genre_of_the_catalogue_has_a_style_of_its_own() -> None:
    assert set(STYLES) == set(GENRES)
    assert len({(s.groove, s.kit, s.bass_rhythms, s.minor) for s in STYLES.values()}) == len(STYLES)
