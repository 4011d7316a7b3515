"""One window of music, decoded step by step: tokens of several takes at once, each by a seed of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from nur_studio.engines.musicgen.compiled import transformer_of
from nur_studio.engines.musicgen.conditions import Conditions
from nur_studio.engines.musicgen.pattern import UNKNOWN, to_frames, to_steps
from nur_studio.engines.musicgen.sampling import Sampling, choose, draw, guide
from nur_studio.engines.musicgen.stepping import State, Stepping
from nur_studio.engines.musicgen.transformer import Transformer
from nur_studio.engines.musicgen.weights import LanguageModel


class Window:
    """A window of `frames` frames being decoded, for as many takes as there are `seeds`.

    `prompt` (takes, codebooks, known frames) is music the window begins with; its tokens stay as they are. A take's
    tokens depend on its seed and prompt, never on the takes beside it. `even`: whether all steps but the first have
    unchanging shapes, as a graph that is recorded once must; where nothing is said, on NVIDIA cards, whose graphs are
    then used.
    """

    @torch.inference_mode()
    def __init__(
        self,
        model: LanguageModel,
        conditions: Conditions,
        frames: int,
        seeds: Sequence[int] = (0,),
        sampling: Sampling | None = None,
        prompt: torch.Tensor | None = None,
        *,
        even: bool | None = None,
    ) -> None:
        facts, takes = model.facts, len(seeds)
        known = 0 if prompt is None else prompt.shape[-1]
        if not 0 <= known < frames:
            raise ValueError(f"a prompt of {known} frames leaves nothing of {frames} to decode")
        codes = torch.full((takes, facts.codebooks, frames), UNKNOWN, dtype=torch.long, device=model.device)
        if prompt is not None:
            codes[..., :known] = prompt
        self.frames = frames
        self.known = known
        self.takes = takes
        self._facts = facts
        self._sampling = Sampling(guidance=facts.guidance) if sampling is None else sampling
        self._steps = to_steps(codes, facts.delays, facts.special)
        self._open = self._steps == UNKNOWN
        self._next = self._first = known + 1
        self._last = self._steps.shape[-1] - 1
        self._transformer = transformer_of(model, conditions, takes, self._last)
        self._chances = draw(seeds, self.steps, facts.codebooks, model.device)
        self._even = model.device.type == "cuda" if even is None else even
        self._stepping: Stepping | None = None

    @property
    def steps(self) -> int:
        """How many calls of `step` the whole window takes."""
        return self._last - self._first + 1

    @property
    def steps_left(self) -> int:
        return self._last - self._next + 1

    @property
    def ready(self) -> int:
        """How many frames, from the window's start, have all their codebooks."""
        return min(self.frames, max(self.known, self._next - 1 - max(self._facts.delays)))

    def codes(self, start: int = 0, end: int | None = None) -> torch.Tensor:
        """The tokens of ready frames, (takes, codebooks, frames): from `start` up to `end` or the last one ready."""
        end = self.ready if end is None else end
        if end > self.ready:
            raise ValueError(f"frame {end} was asked for, {self.ready} are ready")
        return to_frames(self._steps, self._facts.delays, start, end)

    @torch.inference_mode()
    def step(self) -> None:
        """Decode one step: a token for every codebook, each `delays[k]` frames apart."""
        if self._even and self._next > self._first:
            self._even_step()
            return
        heard = 0 if self._next == self._first else self._next - 1
        logits = self._transformer.hear(self._steps[..., heard : self._next])[:, -1]
        chances = self._chances[self._next - self._first]
        tokens = self._chosen(logits, chances)
        here = self._steps[..., self._next]
        self._steps[..., self._next] = torch.where(self._open[..., self._next], tokens, here)
        self._next += 1

    def _even_step(self) -> None:
        if self._stepping is None:
            assert isinstance(self._transformer, Transformer), "a compiled model has graphs of its own"
            state = State(self._steps, self._open, self._chances, self._first)
            graphs = self._steps.device.type == "cuda"
            self._stepping = Stepping(self._transformer, state, self._next - 1, self._chosen, graphs=graphs)
        self._stepping.step()
        self._next += 1

    def _chosen(self, logits: torch.Tensor, chances: torch.Tensor) -> torch.Tensor:
        return choose(guide(logits, self._sampling.guidance), self._sampling, chances)


def decode(window: Window, on_step: Callable[[int, int], None]) -> torch.Tensor:
    """Decode a whole window; `on_step(done, steps)` follows every step and may raise `Cancelled`.

    Returns its tokens, (takes, codebooks, frames).
    """
    while window.steps_left:
        window.step()
        on_step(window.steps - window.steps_left, window.steps)
    return window.codes()
