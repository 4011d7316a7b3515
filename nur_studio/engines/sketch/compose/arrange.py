"""The arrangement: who plays in which section, and how each part stands on the desk."""

from __future__ import annotations

from dataclasses import replace

from nur_studio.core.names import title_from_prompt
from nur_studio.core.timing import Section
from nur_studio.engines.sketch.compose.bass import bass_line
from nur_studio.engines.sketch.compose.drums import drum_hits
from nur_studio.engines.sketch.compose.form import Passage
from nur_studio.engines.sketch.compose.hands import finish_hits, finish_notes
from nur_studio.engines.sketch.compose.lines import Accompanist
from nur_studio.engines.sketch.compose.melody import counter, lead, shadow
from nur_studio.engines.sketch.compose.palette import Palette, Voice, choose_palette
from nur_studio.engines.sketch.compose.plan import Plan
from nur_studio.engines.sketch.compose.ranges import stem_of
from nur_studio.engines.sketch.score import Finish, Note, Part, Score, Texture

_KIT_DB = {"brushes": 6.0, "taiko": 2.0}  # soft hands, and a drum that has an orchestra to stand up to
_MOVING = ("arp", "comp", "pad", "ostinato", "drone")  # layers whose filter opens with the section


def arrange(plan: Plan) -> Score:
    """Write every part of the plan and put the score together."""
    palette = choose_palette(plan)
    parts = [*_drums(plan, palette), *_bass(plan, palette), *_voices(plan, palette)]
    style, form = plan.style, plan.form
    return Score(
        title=title_from_prompt(plan.task.prompt),
        genre=style.genre,
        tempo=plan.tempo,
        beats_per_bar=plan.beats_per_bar,
        key=plan.key_name,
        duration_s=plan.task.duration_s,
        seed=plan.task.seed,
        sections=_sections(plan),
        parts=tuple(part for part in parts if part.notes or part.hits),
        textures=_textures(plan),
        finish=_finish(plan, (form.total - form.final) * 60.0 / plan.tempo),
    )


def _drums(plan: Plan, palette: Palette) -> list[Part]:
    if not palette.drums:
        return []
    active = {p.index for p in plan.form.passages if p.kind == "end" or p.energy >= 0.18}
    written = drum_hits(plan, active)
    opening = plan.form.passages[0]
    if palette.voices and _is_long(plan, opening) and opening.kind == "intro":
        # A long way in is built up: the drums wait for its second half.
        written = [hit for hit in written if hit.beat >= opening.start + opening.beats / 2]
    hits = finish_hits(plan, written, palette.kit, plan.dice("hand", "drums"))
    half = 0.5 + plan.tone * 0.5
    return [
        Part("Drums", "drums", palette.kit, hits=hits, level_db=_KIT_DB.get(palette.kit, 0.0),
             width=0.6, room=plan.style.drums_room, hall=0.25 if plan.style.naming == "scene" else 0.05,
             brightness=((0.0, half),))
    ]  # fmt: skip


def _bass(plan: Plan, palette: Palette) -> list[Part]:
    if not palette.bass:
        return []
    active = {p.index for p in plan.form.passages if p.kind == "end" or p.energy >= plan.style.bass_enter}
    notes = bass_line(plan, palette.bass, active)
    hand = min(plan.style.hand_ms, 3.0)
    finished = finish_notes(plan, notes, palette.bass, plan.dice("hand", "bass"), hand)
    acid = plan.style.bass_how == "acid"
    hall = 0.2 if plan.style.groove in ("none", "cinematic") else 0.0
    return [
        Part("Bass", "bass", palette.bass, finished, width=0.2 if hall else 0.0, room=0.06, hall=hall,
             duck=plan.style.bass_duck, brightness=_brightness(plan, 0.5, 0.8 if acid else 0.3))
    ]  # fmt: skip


def _voices(plan: Plan, palette: Palette) -> list[Part]:
    tune: list[Note] = []
    written: list[tuple[Voice, list[Note]]] = []
    sections = {id(voice): _active(plan, voice, first=index == 0) for index, voice in enumerate(palette.voices)}
    _cover(plan, palette, sections)
    waits = _waits(plan, palette, sections)
    # The tune first: the other melodic lines answer or follow it.
    for voice in sorted(palette.voices, key=lambda v: v.layer.how != "lead"):
        active, layer = sections[id(voice)], voice.layer
        if layer.how == "lead":
            notes = lead(plan, layer, voice.instrument, active)
            tune = tune or notes
        elif layer.how == "counter":
            notes = counter(plan, layer, voice.instrument, active, tune)
        elif layer.how in ("harmony", "octaves"):
            notes = shadow(plan, layer, active, tune, octave=layer.how == "octaves")
        elif layer.how == "bass":
            notes = bass_line(plan, voice.instrument, active)
        else:
            notes = Accompanist(plan, layer, voice.instrument, active).play()
        pauses = waits.get(id(voice), [])
        notes = [note for note in notes if not any(start <= note.beat < end for start, end in pauses)]
        written.append((voice, notes))
    written += _crown(plan, palette, tune)
    return [_part(plan, voice, notes) for voice, notes in written]


def _part(plan: Plan, voice: Voice, notes: list[Note]) -> Part:
    layer = voice.layer
    finished = finish_notes(plan, notes, voice.instrument, plan.dice("hand", layer.name), plan.style.hand_ms)
    tape = 0.2 if "tape hiss" in plan.reading.textures else 0.0
    return Part(
        layer.name, stem_of(voice.instrument), voice.instrument, finished,
        level_db=layer.level_db + _forward_db(plan, voice), pan=layer.pan, width=layer.width, room=layer.room,
        hall=layer.hall, delay=layer.delay, duck=layer.duck if plan.reading.genre else 0.0,
        brightness=_brightness(plan, layer.tone, 0.5 if layer.how in _MOVING else 0.2), drive=layer.drive,
        wobble=min(1.0, layer.wobble + tape),
    )  # fmt: skip


def _forward_db(plan: Plan, voice: Voice) -> float:
    """What was asked for is heard: a tune a little over the others, what accompanies well over its usual place."""
    if not voice.asked:
        return 0.0
    if voice.instrument == "choir":
        return 3.0 if plan.style.naming == "scene" else 0.0  # against an orchestra it takes a crowd
    return 3.0 if voice.layer.how in ("arp", "sparse", "pad", "comp", "strum", "pick") else 1.0


def _active(plan: Plan, voice: Voice, first: bool) -> set[int]:
    """The passages a layer plays in, by their energy. Who plays at the end plays the last chord."""
    layer = voice.layer
    enter = layer.enter - plan.layering
    body = [p for p in plan.form.passages if p.kind != "end"]
    active = {p.index for p in body if enter <= p.energy <= layer.leave}
    if not active and (voice.asked or first):
        most = max(p.energy for p in body)
        active = {p.index for p in body if p.energy >= most - 0.1}
    end = plan.form.passages[-1]
    # The outro may have thinned out; the last chord is for those who made the piece.
    if end.kind == "end" and active and (body[-1].index in active or enter <= 0.5):
        active.add(end.index)
    return active


def _crown(plan: Plan, palette: Palette, tune: list[Note]) -> list[tuple[Voice, list[Note]]]:
    """Where no layer is left for the last of several choruses, the tune is doubled an octave up in it, softly."""
    choruses = [p for p in plan.form.passages if p.kind == "chorus"]
    leads = [voice for voice in palette.voices if voice.layer.how == "lead"]
    kept_back = any(choruses and voice.layer.enter - plan.layering > choruses[0].energy for voice in palette.voices)
    if len(choruses) < 2 or len(palette.voices) < 2 or not leads or kept_back:
        return []
    layer = replace(
        leads[0].layer, name=f"{leads[0].layer.name} octave", how="octaves", level_db=leads[0].layer.level_db - 6.0,
        pan=-0.3, hall=min(1.0, leads[0].layer.hall + 0.1),
    )  # fmt: skip
    notes = shadow(plan, layer, {choruses[-1].index}, tune, octave=True)
    return [(Voice(layer, leads[0].instrument), notes)]


def _is_long(plan: Plan, passage: Passage) -> bool:
    return passage.beats >= 8 * plan.beats_per_bar


def _waits(plan: Plan, palette: Palette, sections: dict[int, set[int]]) -> dict[int, list[tuple[float, float]]]:
    """Where a voice sits out the first half of a long section: of those that are new in it, the last to enter.

    So no long section stays as it began. A chorus has its tune from its first bar.
    """
    waits: dict[int, list[tuple[float, float]]] = {}
    for passage in plan.form.passages:
        if passage.kind == "end" or plan.form.loop or not _is_long(plan, passage):
            continue
        playing = [voice for voice in palette.voices if passage.index in sections[id(voice)]]
        new = [voice for voice in playing if passage.index == 0 or passage.index - 1 not in sections[id(voice)]]
        if passage.kind in ("chorus", "solo"):
            new = [voice for voice in new if voice.layer.how != "lead"]
        if new and len(playing) >= 2:
            last = max(new, key=lambda voice: voice.layer.enter)
            waits.setdefault(id(last), []).append((passage.start, passage.start + passage.beats / 2))
    return waits


def _cover(plan: Plan, palette: Palette, sections: dict[int, set[int]]) -> None:
    """No passage without a pitch: the first voice that can steps in where all others rest."""
    if not palette.voices:
        return
    fallback = next(
        (v for v in palette.voices if v.layer.how not in ("harmony", "octaves", "fills")), palette.voices[0]
    )
    for passage in plan.form.passages:
        if not any(passage.index in active for active in sections.values()):
            sections[id(fallback)].add(passage.index)


def _brightness(plan: Plan, tone: float, reach: float) -> tuple[tuple[float, float], ...]:
    """Filters open with the energy; builds rise, intros open slowly, outros close."""
    points: list[tuple[float, float]] = []
    for passage in plan.form.passages:
        level = tone + plan.tone + reach * (passage.energy - 0.65)
        start, end = {
            "intro": (level - 0.3 * reach, level + 0.1 * reach),
            "build": (level - 0.2 * reach, level + 0.5 * reach),
            "break": (level, level + 0.25 * reach),
            "outro": (level, level - 0.3 * reach),
        }.get(passage.kind, (level, level + 0.05 * reach))
        last = max(passage.start, passage.end - 0.01)
        points += [(passage.start, _unit(start)), (last, _unit(end))]
    return tuple(points)


def _unit(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)


def _sections(plan: Plan) -> tuple[Section, ...]:
    """The form for people, in bars; repeats are numbered, an ending within a bar belongs to what it ends."""
    bar = plan.beats_per_bar
    shown: list[Section] = []
    counts: dict[str, int] = {}
    names = [passage.name for passage in plan.form.passages]
    for passage in plan.form.passages:
        if passage.beats <= 1e-6:
            continue
        if passage.kind == "end" and shown and passage.start % bar > 1e-6:
            shown[-1] = replace(shown[-1], bars=round(plan.form.total / bar - shown[-1].start_bar, 4))
            continue
        counts[passage.name] = counts.get(passage.name, 0) + 1
        many = names.count(passage.name) > 1
        name = f"{passage.name} {counts[passage.name]}" if many else passage.name
        shown.append(Section(name, round(passage.start / bar), round(passage.beats / bar, 4)))
    return tuple(shown)


def _textures(plan: Plan) -> tuple[Texture, ...]:
    asked = [kind.replace(" ", "_") for kind in plan.reading.textures]
    barred = {word.replace(" ", "_") for word in plan.reading.excluded}
    own = [kind for kind in plan.style.textures if kind not in asked and kind not in barred and "other" not in barred]
    # What the genre brings along stays in the background.
    return (*(Texture(kind) for kind in asked), *(Texture(kind, -5.0) for kind in own))


def _finish(plan: Plan, ring_s: float) -> Finish:
    finish = plan.style.finish
    warmth = min(1.0, finish.warmth + (0.2 if "tape hiss" in plan.reading.textures else 0.0))
    hall = finish.hall_s * (1.25 if "dreamy" in plan.reading.moods else 1.0)
    if plan.reading.loop:
        return replace(finish, loop=True, fade_out_s=0.0, warmth=warmth, hall_s=hall)
    return replace(finish, fade_out_s=round(max(0.15, min(1.5, 0.35 * ring_s)), 3), warmth=warmth, hall_s=hall)
