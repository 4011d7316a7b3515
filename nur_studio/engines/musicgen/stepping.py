"""Decoding steps of unchanging shape, which a graphics card replays as one graph: nothing of a step waits for the host.

On a card a step's hundreds of small kernels take longer to launch than to run. So all that a step changes lies on the
device, its position included; shapes change only every `REACH` positions, and for each of these stretches the step is
recorded once and replayed. Without `graphs` the same steps run one kernel after the other, on any device.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch

from nur_studio.engines.musicgen.cache import REACH
from nur_studio.engines.musicgen.transformer import Transformer

log = logging.getLogger(__name__)

_WARM_UP = 2  # steps before the first recording: libraries allocate what may not be allocated in one


@dataclass(frozen=True, slots=True)
class State:
    """What a step reads and changes, all on the device: the tokens of every step (takes, codebooks, steps), which of
    them are open, and the chances of the steps to be decoded, from step `first` on.
    """

    steps: torch.Tensor
    open: torch.Tensor
    chances: torch.Tensor
    first: int


Choose = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Tokens (takes, codebooks) from logits (2 × takes, codebooks, card) and chances (takes, codebooks)."""


class Stepping:
    """Goes on from where `transformer` has heard all tokens before step `last + 1` and `last` is known."""

    @torch.inference_mode()
    def __init__(self, transformer: Transformer, state: State, last: int, choose: Choose, *, graphs: bool) -> None:
        device = state.steps.device
        self._transformer, self._state, self._choose = transformer, state, choose
        self._last = torch.tensor([last], device=device)  # the step whose tokens are heard next
        self._position = torch.tensor([transformer.heard], device=device)
        self._graphs: dict[int, torch.cuda.CUDAGraph] | None = {} if graphs else None
        self._warm_up = _WARM_UP if graphs else 0

    @torch.inference_mode()
    def step(self) -> None:
        """Decode one step."""
        reach = min(self._transformer.capacity, (self._transformer.heard // REACH + 1) * REACH)
        if self._graphs is None:
            self._run(reach)
        elif self._warm_up:
            self._beside(reach)
        elif reach in self._graphs or self._record(reach):
            self._graphs[reach].replay()
        else:
            self._run(reach)
        self._transformer.passed()

    def _run(self, reach: int) -> None:
        state = self._state
        tokens = state.steps.index_select(2, self._last)
        logits = self._transformer.hear_at(tokens, self._position, reach)[:, -1]
        self._position += 1
        self._last += 1
        chances = state.chances.index_select(0, self._last - state.first)[0]
        chosen = self._choose(logits, chances).unsqueeze(-1)
        here, is_open = state.steps.index_select(2, self._last), state.open.index_select(2, self._last)
        state.steps.index_copy_(2, self._last, torch.where(is_open, chosen, here))

    def _beside(self, reach: int) -> None:
        """On another stream, as recording wants it."""
        self._warm_up -= 1
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._run(reach)
        torch.cuda.current_stream().wait_stream(stream)

    def _record(self, reach: int) -> bool:
        """Whether there is a graph for this stretch now. A driver that cannot record costs speed, not the take: the
        steps give the same tokens without.
        """
        assert self._graphs is not None
        try:
            self._graphs[reach] = self._recorded(reach)
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError:
            log.exception("no CUDA graph could be recorded: steps run kernel by kernel")
            self._graphs = None
            return False
        return True

    def _recorded(self, reach: int) -> torch.cuda.CUDAGraph:
        """A step as a graph. Recording runs nothing: the step itself is the first replay."""
        assert self._graphs is not None
        pool = next(iter(self._graphs.values())).pool() if self._graphs else None
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool):
            self._run(reach)
        return graph
