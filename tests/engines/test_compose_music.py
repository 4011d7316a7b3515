"""The composer as a musician hears it: grooves, harmony, voice-leading, motifs and form of each genre."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter

import pytest

from nur_studio.core.prompt import read_prompt
from nur_studio.engines.base import MusicTask
from nur_studio.engines.sketch.compose import compose
from nur_studio.engines.sketch.compose.dice import Dice
from nur_studio.engines.sketch.compose.form import plan_form
from nur_studio.engines.sketch.compose.plan import make_plan
from nur_studio.engines.sketch.compose.rhythm import fit, swing_shift
from nur_studio.engines.sketch.compose.theory import Key, lead_voices, motion, parse_key, roman, voicing_tones
from nur_studio.engines.sketch.score import Hit, Part, Score

MAIN = ("lo-fi", "hip hop", "house", "techno", "drum and bass", "ambient", "synthwave", "pop", "rock", "jazz",
    "classical",
        "cinematic")  # fmt: skip


def task(prompt: str, duration: float = 60, seed: int = 1, tempo: int | None = None) -> MusicTask:
    reading = read_prompt(prompt, None, tempo)
    return MusicTask(prompt, duration, reading.tempo, seed, reading)


def hits(score: Score, sound: str) -> list[Hit]:
    return [h for part in score.parts for h in part.hits if h.sound == sound]


def part(score: Score, name: str) -> Part:
    return next(p for p in score.parts if p.name == name)


def places(events: list[Hit], bar: int = 4) -> Counter[float]:
    return Counter(round(h.beat % bar, 3) for h in events)


@pytest.mark.parametrize("genre", ["house", "techno", "disco", "trance"])
def test_four_on_the_floor(genre: str) -> None:
    kicks = places(hits(compose(task(genre)), "kick"))
    assert all(kicks[beat] >= 8 for beat in (0, 1, 2, 3))
    assert sum(kicks[beat] for beat in (0, 1, 2, 3)) / kicks.total() > 0.9


@pytest.mark.parametrize("genre", ["rock", "pop", "hip hop", "funk", "synthwave", "soul"])
def test_backbeat(genre: str) -> None:
    snares = [h for h in hits(compose(task(genre)), "snare") if h.velocity > 0.55]
    assert snares and sum(h.beat % 4 in (1, 3) for h in snares) / len(snares) > 0.6


def test_drum_and_bass_two_step() -> None:
    score = compose(task("drum and bass"))
    assert 170 <= score.tempo <= 176
    kicks, snares = places(hits(score, "kick")), places([h for h in hits(score, "snare") if h.velocity > 0.6])
    assert kicks[0] >= 8 and kicks[2.5] >= 8
    assert kicks[0] + kicks[2.5] > 0.75 * kicks.total()
    assert snares[1] >= 8 and snares[3] >= 8


def test_half_time_moves_the_snare_to_three() -> None:
    snares = [h for h in hits(compose(task("half-time drum and bass")), "snare") if h.velocity > 0.7]
    assert places(snares)[2] > 0.5 * len(snares)
    assert places([h for h in hits(compose(task("trap")), "clap") if h.velocity > 0.6]).most_common(1)[0][0] == 2


def test_reggae_drops_the_one() -> None:
    kicks = places(hits(compose(task("reggae")), "kick"))
    assert kicks[2] > 4 * kicks[0]


def test_jazz_walks() -> None:
    score = compose(task("jazz"))
    form = make_plan(task("jazz")).form
    notes = [n for n in part(score, "Bass").notes if n.beat < form.final]
    on_beat = [n for n in notes if n.beat % 1 == 0]
    assert len(on_beat) > 0.85 * len(notes)
    loud = [p for p in form.passages if p.energy >= 0.4 and p.kind != "end"]
    for passage in loud:
        beats = {n.beat for n in on_beat if passage.start <= n.beat < passage.end}
        assert len(beats) == passage.beats
    # It moves: hardly ever the same note twice, mostly by small steps.
    moves = [abs(b.pitch - a.pitch) for a, b in itertools.pairwise(on_beat)]
    assert sum(m == 0 for m in moves) < 0.12 * len(moves)
    assert statistics.median(moves) <= 4


def test_swing_is_in_the_shift() -> None:
    for genre, unit, low, high in (
        ("jazz", 0.5, 0.62, 0.68),
        ("lo-fi", 0.25, 0.55, 0.63),
        ("techno", 0.25, 0.49, 0.51),
    ):
        score = compose(task(genre, 120))
        late = [
            (e.shift_s * score.tempo / 60 + unit) / (2 * unit)
            for p in score.parts if p.stem in ("drums", "bass") for e in (*p.notes, *p.hits)
            if e.beat % (2 * unit) == unit and getattr(e, "sound", "") not in ("snare", "rim", "clap")
        ]  # fmt: skip
        assert len(late) > 10
        assert low <= statistics.fmean(late) <= high, genre


def test_lofi_snares_lay_back() -> None:
    score = compose(task("lo-fi", 120))
    on_beat = [h.shift_s for h in hits(score, "snare") if h.beat % 1 == 0]
    assert 0.008 <= statistics.fmean(on_beat) <= 0.015


@pytest.mark.parametrize("genre", ["ambient", "classical"])
def test_no_drums_where_none_belong(genre: str) -> None:
    assert not any(p.hits for p in compose(task(genre)).parts)


def test_the_twelve_main_genres_differ_in_everything() -> None:
    scores = {genre: compose(task(genre)) for genre in MAIN}
    palettes = {genre: frozenset(p.instrument for p in s.parts) for genre, s in scores.items()}
    drums = {genre: frozenset((h.sound, h.beat % 4) for p in s.parts for h in p.hits) for genre, s in scores.items()}
    for a in MAIN:
        for b in MAIN:
            if a < b:
                shared = len(palettes[a] & palettes[b]) / len(palettes[a] | palettes[b])
                assert shared < 0.5, (a, b)
                if drums[a] or drums[b]:
                    assert len(drums[a] & drums[b]) / len(drums[a] | drums[b]) < 0.65, (a, b)


@pytest.mark.parametrize("genre", MAIN)
def test_sections_differ_in_density(genre: str) -> None:
    plan_task = task(genre, 90 if genre != "ambient" else 150)
    score, form = compose(plan_task), make_plan(plan_task).form
    density: dict[str, list[float]] = {}
    for passage in form.passages:
        count = sum(
            passage.start <= e.beat < passage.end for p in score.parts for e in (*p.notes, *p.hits)
        )  # fmt: skip
        density.setdefault(passage.kind, []).append(count / passage.beats)
    assert max(density["chorus"]) > 1.25 * density["intro"][0]
    assert max(density["chorus"]) > 1.2 * min(min(v) for v in density.values())
    assert set(density) >= {"intro", "verse", "chorus", "break", "outro", "end"}


@pytest.mark.parametrize("genre", ["pop", "lo-fi", "synthwave", "folk", "bossa nova", "soul"])
def test_melody_rests_on_chord_tones(genre: str) -> None:
    for seed in range(3):
        plan = make_plan(task(genre, 90, seed))
        score = compose(task(genre, 90, seed))
        lead_name = next(layer.name for layer in plan.style.layers if layer.how == "lead")
        strong = [n for n in part(score, lead_name).notes if n.beat % 1 == 0 and n.duration > 0.4]
        fits = [n.pitch % 12 in plan.harmony.at(n.beat).chord.tones for n in strong]
        assert len(fits) > 8 and sum(fits) / len(fits) > 0.85
        pitches = [n.pitch for n in part(score, lead_name).notes]
        assert max(pitches) - min(pitches) <= 18
        leaps = [abs(b - a) for a, b in itertools.pairwise(pitches)]
        assert sum(leap <= 4 for leap in leaps) / len(leaps) > 0.6


@pytest.mark.parametrize("genre", ["lo-fi", "house", "synthwave", "cinematic", "ambient", "jazz"])
def test_voices_move_the_nearest_way(genre: str) -> None:
    plan = make_plan(task(genre, 120))
    voices: tuple[int, ...] = ()
    moves = []
    for span in plan.harmony.spans:
        tones = voicing_tones(span.chord, 4)
        after = lead_voices(tones, voices, 62, 50, 74)
        assert len(set(after)) == len(set(tones))
        if voices and {v % 12 for v in voices} != {v % 12 for v in after}:
            moves.append(motion(voices, after) / len(after))
        voices = after
    assert statistics.fmean(moves) < 2.6
    score_pads = [p for p in compose(task(genre, 120)).parts if p.instrument.endswith("pad")]
    for pad in score_pads:
        centres = {}
        for note in pad.notes:
            centres.setdefault(note.beat, []).append(note.pitch)
        means = [statistics.fmean(c) for c in centres.values()]
        assert max(abs(b - a) for a, b in itertools.pairwise(means)) < 7


def test_the_motif_returns_and_varies() -> None:
    plan = make_plan(task("pop", 120))
    hook = part(compose(task("pop", 120)), "Hook").notes
    rhythms = []
    for passage in plan.form.passages:
        if passage.kind == "chorus":
            for bar in range(0, int(passage.beats), 8):
                start = passage.start + bar
                rhythms.append(tuple(n.beat - start for n in hook if start <= n.beat < start + 4))
    assert Counter(rhythms).most_common(1)[0][1] >= len(rhythms) * 0.4
    bars = [tuple((n.beat % 4, n.pitch, n.velocity) for n in hook if b <= n.beat < b + 4) for b in range(0, 200, 4)]
    sounding = [bar for bar in bars if bar]
    assert len(set(sounding)) == len(sounding)  # never mechanically the same


@pytest.mark.parametrize("genre", MAIN)
def test_no_bar_is_repeated_mechanically(genre: str) -> None:
    score = compose(task(genre, 120))
    bars: dict[int, list[tuple[object, ...]]] = {}
    for p in score.parts:
        for e in (*p.notes, *p.hits):
            bars.setdefault(int(e.beat // 4), []).append(
                (p.name, e.beat % 4, round(e.velocity, 4), round(e.shift_s, 5))
            )
    assert len({tuple(sorted(map(str, bar))) for bar in bars.values()}) == len(bars)


def test_classical_has_two_voices_in_conversation() -> None:
    score = compose(task("classical", 60))
    tune = next(p for p in score.parts if p.instrument in ("violin", "flute", "oboe")).notes
    second = part(score, "Second voice").notes
    above = [
        (a.pitch - b.pitch) for a in tune for b in second if abs(a.beat - b.beat) < 1e-6
    ]  # fmt: skip
    assert len(above) > 10 and sum(gap > 0 for gap in above) / len(above) > 0.95
    assert sum(gap % 12 != 0 for gap in above) / len(above) > 0.8


def test_risers_lead_into_the_drop_and_crashes_mark_it() -> None:
    plan_task = task("house", 90)
    score, form = compose(plan_task), make_plan(plan_task).form
    drops = [p.start for p in form.passages if p.kind == "chorus"]
    rising = hits(score, "riser")
    assert rising and all(any(abs(h.beat + h.duration - drop) < 1e-6 for drop in drops) for h in rising)
    assert set(drops) <= {h.beat for h in hits(score, "crash")}


def test_house_pumps_and_rock_does_not() -> None:
    assert max(p.duck for p in compose(task("house")).parts) >= 0.6
    assert max(p.duck for p in compose(task("rock")).parts) == 0


def test_the_form_fits_any_length() -> None:
    for seconds in (5, 8, 13, 30, 47, 60, 123, 300):
        for tempo in (40, 77, 120, 220):
            for beats in (2, 3, 4, 5, 7):
                form = plan_form(seconds, tempo, beats, 2.4, "song")
                total = seconds * tempo / 60
                assert form.total == total and 0 < form.final < total
                assert form.passages[0].start == 0
                for before, after in zip(form.passages, form.passages[1:], strict=False):
                    assert before.end == pytest.approx(after.start)
                ring_s = (total - form.final) * 60 / tempo
                assert ring_s >= min(2.4, 0.2 * seconds) - 1e-6 or form.final <= 1
                assert ring_s <= 2.4 + beats * 60 / tempo + 1e-6


def test_five_minutes_are_no_loop() -> None:
    form = make_plan(task("pop", 300)).form
    kinds = [p.kind for p in form.passages]
    assert len(kinds) >= 9 and {"break", "bridge", "solo"} & set(kinds)
    assert form.passages[-1].lift == 2  # the last chorus is lifted, and the end with it


@pytest.mark.parametrize(
    "genre", ["pop", "synthwave", "trance", "folk", "reggaeton", "metal", "cinematic", "classical", "country", "house"]
)
def test_parts_hardly_ever_rub_a_semitone(genre: str) -> None:
    """On the beats, of what is held: minor seconds and ninths that the chord does not ask for."""
    beats = clashes = 0
    for seed in range(3):
        plan, score = make_plan(task(genre, 75, seed)), compose(task(genre, 75, seed))
        for beat in range(int(plan.form.total)):
            tones = plan.harmony.at(beat).chord.tones
            held = [
                (p.name, n.pitch)
                for p in score.parts for n in p.notes
                if n.beat <= beat + 0.01 and n.duration > 0.35 and n.beat + n.duration > beat + 0.3
            ]  # fmt: skip
            beats += 1
            clashes += any(
                a[0] != b[0] and abs(a[1] - b[1]) % 12 == 1 and not {a[1] % 12, b[1] % 12} <= set(tones)
                for a, b in itertools.combinations(held, 2)
            )
    assert beats > 200 and clashes < 0.03 * beats


def test_a_long_piece_keeps_something_for_later() -> None:
    built: list[str] = []
    for genre in ("house", "pop", "rock"):
        score, form = compose(task(genre, 180)), make_plan(task(genre, 180)).form

        def playing(start: float, end: float, score: Score = score) -> set[str]:
            return {p.name for p in score.parts if any(start <= e.beat < end for e in (*p.notes, *p.hits))}

        choruses = [p for p in form.passages if p.kind == "chorus"]
        first, last = choruses[0], choruses[-1]
        assert playing(first.start, first.end) < playing(last.start, last.end), genre
        opening = form.passages[0]
        middle = opening.start + opening.beats / 2
        if opening.beats < 32:
            continue
        built.append(genre)  # a way in of eight bars and more is not all there from its start
        assert playing(opening.start, middle) < playing(middle, opening.end), genre
    assert "house" in built


def test_a_bridge_has_a_theme_of_its_own() -> None:
    wanted = task("pop", 300)
    form, notes = make_plan(wanted).form, part(compose(wanted), "Hook").notes
    rhythms = {}
    for passage in form.passages:
        bars = range(int(passage.beats) // 4)
        rhythms.setdefault(passage.kind, set()).update(
            tuple(n.beat - passage.start - 4 * bar for n in notes if 0 <= n.beat - passage.start - 4 * bar < 4)
            for bar in bars
        )
    fresh = {r for r in rhythms["bridge"] if r} - rhythms["verse"] - rhythms["chorus"]
    assert fresh, sorted(rhythms)


def test_taikos_mark_the_beats() -> None:
    wanted = task("epic cinematic trailer with taiko, 90 bpm")
    form = make_plan(wanted).form
    strong = {h.beat for h in hits(compose(wanted), "taiko") if h.velocity > 0.7}
    climax = next(p for p in form.passages if p.kind == "chorus")
    beats = [climax.start + beat for beat in range(int(climax.beats) - 4)]
    assert sum(beat in strong for beat in beats) > 0.9 * len(beats)


def test_theory() -> None:
    assert parse_key("Bb minor") == Key(10, "minor") and parse_key("F# dorian") == Key(6, "dorian")
    assert parse_key("") is None and parse_key("H minor") is None
    assert roman("V7", 0).tones == (7, 11, 2, 5)
    assert roman("bVImaj7", 9).tones == (5, 9, 0, 4)
    assert roman("V/4", 0).bass == 11
    with pytest.raises(ValueError, match="no chord"):
        roman("VIIIx", 0)
    assert swing_shift(0.5, 0.5, 2 / 3) == pytest.approx(1 / 6)
    assert swing_shift(1.0, 0.5, 2 / 3) == 0 and swing_shift(0.3, 0.5, 0.5) == pytest.approx(0)
    assert len(fit("X...X...X...X...", 7)) == 28
    assert [Dice(1, "a").unit() for _ in range(2)] == [Dice(1, "a").unit()] * 2 != [Dice(1, "b").unit()] * 2
