"""Our decoding loop against audiocraft's own, over the same weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from parity import WORDS, attributes_of, conditions_of, heard, melody_of, random_codes, reference_logits, relative
from teacher import divergence, heard_in_blocks

from nur_studio.core.errors import Cancelled
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.engines.musicgen import decoding, stepping
from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.decoding import Window, decode
from nur_studio.engines.musicgen.loading import load
from nur_studio.engines.musicgen.pattern import to_frames, to_steps
from nur_studio.engines.musicgen.sampling import Sampling, choose, draw, guide
from nur_studio.engines.musicgen.weights import LanguageModel
from nur_studio.engines.products import has

GREEDY = Sampling(temperature=0.0)


@pytest.mark.parametrize("first", [1, 40, 100])
def test_teacher_forced_logits_are_audiocrafts(family: Any, first: int) -> None:
    facts = family.model.facts
    steps = to_steps(random_codes(family, 100 - 1 - max(facts.delays)), facts.delays, facts.special)
    theirs = reference_logits(family, steps)
    assert relative(heard(family, family.model.language_model, steps, first), theirs) <= 1e-5
    assert relative(theirs[:1], theirs[1:]) > 0.05  # the conditions matter, so their part is compared too


@pytest.mark.parametrize(
    ("precision", "bound", "nats"), [("fp16", 1e-5, 1e-9), ("bf16", 1e-2, 1e-4), ("int8", 1e-2, 1e-4)]
)
def test_every_precision_stays_within_its_bound(family: Any, precision: str, bound: float, nats: float) -> None:
    """Teacher-forced logits against audiocraft's, and how far the distributions tokens are drawn from move by it."""
    model = in_precision(family, precision)
    facts = family.model.facts
    steps = to_steps(random_codes(family, 60), facts.delays, facts.special)
    theirs = reference_logits(family, steps)
    ours = heard(family, model, steps, 10)
    difference = ours - theirs
    assert float(difference.square().mean().sqrt() / theirs.square().mean().sqrt()) <= bound
    assert float(divergence(guide(theirs, 3.0), guide(ours, 3.0)).mean()) <= nats
    # Checkpoints are published in halves: kept in halves they lose nothing.
    assert precision == "fp16" or not torch.equal(ours, heard(family, family.model.language_model, steps, 10))


@pytest.fixture(scope="module")
def half_a_minute(families: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """30 s of tokens, step by step, and what audiocraft says of each."""
    family = families["text"]
    facts = family.model.facts
    steps = to_steps(random_codes(family, 1500), facts.delays, facts.special)
    return steps, reference_logits(family, steps)


@pytest.mark.parametrize(
    ("precision", "mean", "most"), [("fp16", 1e-10, 1e-9), ("bf16", 2e-4, 1e-3), ("int8", 1e-4, 3e-4)]
)
def test_chances_stay_what_they_are_over_a_whole_half_minute(
    text: Any, half_a_minute: tuple[torch.Tensor, torch.Tensor], precision: str, mean: float, most: float
) -> None:
    steps, theirs = half_a_minute
    ours = heard_in_blocks(in_precision(text, precision), conditions_of(text), steps)
    nats = divergence(guide(theirs, 3.0), guide(ours, 3.0))
    assert nats.shape == (1, 1504, 4)
    assert float(nats.mean()) <= mean
    assert float(nats.max()) <= most


def test_greedy_tokens_are_audiocrafts(family: Any) -> None:
    theirs = family.reference.generate(None, attributes_of(family), max_gen_len=300, use_sampling=False)
    ours = decode(Window(family.model.language_model, conditions_of(family), 300, sampling=GREEDY), ignore)
    assert torch.equal(ours, theirs)
    assert len(ours.unique()) > 20


def test_greedy_tokens_are_audiocrafts_to_the_end_of_a_whole_window(text: Any) -> None:
    """Each token of ours is what audiocraft finds likeliest after those before it: so its own loop makes the same."""
    facts = text.model.facts
    assert text.model.window_frames == 1500
    ours = decode(Window(text.model.language_model, conditions_of(text), 1500, sampling=GREEDY), ignore)
    steps = to_steps(ours, facts.delays, facts.special)
    likeliest = guide(reference_logits(text, steps), 3.0).argmax(-1).transpose(1, 2)
    # What is found at a step is the token of the next one.
    theirs = to_frames(torch.cat([steps[..., :1], likeliest[..., :-1]], -1), facts.delays, 0, 1500)
    assert torch.equal(ours, theirs)


def test_greedy_tokens_are_audiocrafts_after_a_prompt(family: Any) -> None:
    prompt = random_codes(family, 130)
    theirs = family.reference.generate(prompt, attributes_of(family), max_gen_len=250, use_sampling=False)
    window = Window(family.model.language_model, conditions_of(family), 250, sampling=GREEDY, prompt=prompt)
    assert window.ready == 130
    ours = decode(window, ignore)
    assert torch.equal(ours, theirs)
    assert torch.equal(ours[..., :130], prompt)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_a_take_is_the_same_whatever_the_takes_beside_it(family: Any, precision: str) -> None:
    model = in_precision(family, precision)
    if precision == "fp32":
        assert model.rows_apart
    if not model.rows_apart:
        pytest.skip("takes are made one after the other here")
    conditions = conditions_of(family)
    seeds = (3, 5, 2**63 + 1, 11)
    together = decode(Window(model, conditions, 90, seeds=seeds), ignore)
    for row, seed in enumerate(seeds):
        assert torch.equal(decode(Window(model, conditions, 90, seeds=(seed,)), ignore)[0], together[row])
    assert not torch.equal(together[0], together[1])
    pair = decode(Window(model, conditions, 100, seeds=seeds[:2], prompt=together[:2, :, 50:]), ignore)
    alone = decode(Window(model, conditions, 100, seeds=seeds[1:2], prompt=together[1:2, :, 50:]), ignore)
    assert torch.equal(pair[1:], alone)


@pytest.mark.parametrize("sampling", [GREEDY, Sampling()])
def test_steps_of_unchanging_shape_decode_the_same(
    family: Any, sampling: Sampling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a graphics card replays them, here without its graphs; also where the stretch changes, and after a prompt."""
    monkeypatch.setattr(stepping, "REACH", 16)
    model, conditions = family.model.language_model, conditions_of(family)
    for prompt in (None, random_codes(family, 21, takes=2)):
        usual, even = (
            decode(Window(model, conditions, 50, (4, 9), sampling, prompt, even=even), ignore) for even in (False, True)
        )
        assert torch.equal(usual, even)


def test_where_no_graph_can_be_recorded_the_take_is_made_all_the_same(
    text: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Refusing(stepping.Stepping):
        def __init__(self, *wanted: Any, graphs: bool) -> None:
            super().__init__(*wanted, graphs=True)

        def _beside(self, reach: int) -> None:
            self._warm_up -= 1
            self._run(reach)

        def _recorded(self, reach: int) -> torch.cuda.CUDAGraph:
            raise RuntimeError("operation not permitted when stream is capturing")

    model, conditions = text.model.language_model, conditions_of(text)
    usual = decode(Window(model, conditions, 30, (4,), even=False), ignore)
    monkeypatch.setattr(decoding, "Stepping", Refusing)
    assert torch.equal(decode(Window(model, conditions, 30, (4,), even=True), ignore), usual)
    assert [record.levelname for record in caplog.records] == ["ERROR"], "told once, for the log"


def test_a_take_in_bytes_is_the_same_again_and_never_made_with_others(text: Any) -> None:
    model = in_precision(text, "int8")
    assert not model.rows_apart
    conditions = conditions_of(text)
    first, again = (decode(Window(model, conditions, 60, seeds=(7,)), ignore) for _ in range(2))
    assert torch.equal(first, again)


def test_what_is_ready_never_changes(text: Any) -> None:
    window = Window(text.model.language_model, conditions_of(text), 40, seeds=(1, 2))
    assert window.steps == window.steps_left == 43
    ready = []
    while window.steps_left:
        window.step()
        ready.append((window.ready, window.codes()))
    assert [count for count, _ in ready] == [max(0, step - 3) for step in range(1, 44)]
    for count, codes in ready:
        assert codes.shape == (2, 4, count)
        assert torch.equal(codes, window.codes(0, count))
    assert window.codes().max() < 512
    assert window.codes().min() >= 0
    assert torch.equal(window.codes(10, 20), window.codes()[..., 10:20])
    with pytest.raises(ValueError, match="frame 41"):
        window.codes(0, 41)


def test_cancel_stops_at_the_step(text: Any) -> None:
    told = []

    def cancel_at_five(done: int, steps: int) -> None:
        told.append((done, steps))
        if done == 5:
            raise Cancelled

    window = Window(text.model.language_model, conditions_of(text), 40)
    with pytest.raises(Cancelled):
        decode(window, cancel_at_five)
    assert told == [(done, 43) for done in range(1, 6)]
    assert window.ready == 2


def test_words_and_negative_words_and_melody_change_the_music(families: dict[str, Any]) -> None:
    melody = families["melody"]
    conditioner = melody.model.conditioner

    def made(conditions: Conditions) -> torch.Tensor:
        return decode(Window(melody.model.language_model, conditions, 30, seeds=(1,)), ignore)

    tune = melody_of(melody)
    assert tune is not None
    assert conditioner(WORDS) is conditioner(WORDS), "words are read once"
    takes = [
        made(conditioner(WORDS)),
        made(conditioner("sad jazz")),
        made(conditioner(WORDS, negative="drums")),
        made(conditioner(WORDS, melody=tune)),
        made(conditioner(WORDS, melody=tune.flip(0))),
    ]
    for index, take in enumerate(takes):
        assert all(not torch.equal(take, other) for other in takes[:index])
    with pytest.raises(ValueError, match="no melody"):
        families["text"].model.conditioner(WORDS, melody=tune)


def test_a_prompt_must_leave_something_to_decode(text: Any) -> None:
    with pytest.raises(ValueError, match="leaves nothing"):
        Window(text.model.language_model, conditions_of(text), 30, prompt=random_codes(text, 30))


def test_steps_and_frames_are_inverse() -> None:
    codes = torch.arange(24).view(1, 4, 6)
    steps = to_steps(codes, (0, 1, 2, 3), 99)
    assert steps[0, :, 0].tolist() == [99] * 4
    assert steps[0, 3].tolist() == [99, 99, 99, 99, 18, 19, 20, 21, 22, 23]
    assert steps[0, 0].tolist() == [99, 0, 1, 2, 3, 4, 5, 99, 99, 99]
    assert torch.equal(to_frames(steps, (0, 1, 2, 3), 0, 6), codes)


def test_tokens_fall_as_often_as_they_should() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0, 5.0, -9.0]).expand(40_000, 1, 6)
    chances = draw([1], 40_000, 1, torch.device("cpu"))[:, 0]  # one for each row
    tokens = choose(logits, Sampling(temperature=2.0, top_k=4), chances).flatten()
    seen = torch.bincount(tokens, minlength=6) / len(tokens)
    kept = torch.tensor([2.0, 1.0, 0.0, float("-inf"), 5.0, float("-inf")]) / 2.0
    assert torch.allclose(seen, kept.softmax(0), atol=0.01)
    assert choose(logits[:3], Sampling(temperature=0.0), chances[:3]).flatten().tolist() == [4, 4, 4]
    everything = choose(logits, Sampling(temperature=4.0, top_k=0), chances).flatten()
    assert set(everything.tolist()) == set(range(6))


def test_chances_depend_on_the_seed_alone() -> None:
    together = draw([1, 2, 3], 10, 4, torch.device("cpu"))
    assert torch.equal(together[:, 1:2], draw([2], 10, 4, torch.device("cpu")))
    assert together.min() >= 0.0
    assert together.max() < 1.0


def in_precision(family: Any, precision: str) -> LanguageModel:
    if precision in ("fp16", "int8") and not has(precision):
        pytest.skip(f"this processor's {precision} is not quick, and so not used")
    return load(family.folders, torch.device("cpu"), precision, ignore_progress, CancelToken()).language_model


def ignore(done: int, steps: int) -> None:
    """An `on_step` for who does not care."""
