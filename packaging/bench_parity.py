"""Compare our decoding of MusicGen with audiocraft's own, family by family, and print the figures.

    .venv/bin/python packaging/bench_parity.py [--frames 1500] [--family text|melody|stereo|stereo-melody]

On tiny random models in the published format, in float32 on the CPU. For each family: the largest difference of
teacher-forced logits over a whole window against the largest logit, heard step by step and after a prompt of 12 s;
whether greedy tokens are the same over a whole window, and over one that continues from 12 s; whether four takes made
as one batch have the tokens that each has alone; and how far sound made in chunks lies from one decode of everything.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

if TYPE_CHECKING:
    import torch

    from nur_studio.engines.musicgen.codec import Codec

FAMILIES = ("text", "melody", "stereo", "stereo-melody")
PROMPT_S, CHUNK_S = 12, 0.5
SEEDS = (3, 5, 7, 11)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--family", choices=FAMILIES)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)  # tiny products only wait for each other on more
    tiny_musicgen: Any = importlib.import_module("tiny_musicgen")  # in tests/, like parity
    parity: Any = importlib.import_module("parity")
    print(
        f"{'':14} {'stepwise':>9} {'continued':>9}  greedy tokens     continued         4 takes in one  chunks joined"
    )
    for name in FAMILIES if options.family is None else (options.family,):
        with tempfile.TemporaryDirectory() as folder:
            family = parity.family_of(name, tiny_musicgen.make_musicgen(Path(folder), name))
            print(f"{name:14} {'  '.join(figures(parity, family, options.frames))}", flush=True)


def figures(parity: Any, family: Any, frames: int) -> list[str]:
    """A family's columns."""
    import torch

    from nur_studio.engines.musicgen.decoding import Window, decode
    from nur_studio.engines.musicgen.pattern import to_steps
    from nur_studio.engines.musicgen.sampling import Sampling

    greedy = Sampling(temperature=0.0)
    model, facts = family.model.language_model, family.model.facts
    known = min(PROMPT_S * round(family.model.codec.frame_rate), frames - 1)
    steps = to_steps(parity.random_codes(family, frames), facts.delays, facts.special)
    theirs = parity.reference_logits(family, steps)
    stepwise, continued = (
        parity.relative(parity.heard(family, model, steps, first), theirs) for first in (1, known + 1)
    )
    attributes, conditions = parity.attributes_of(family), parity.conditions_of(family)
    columns = [f"{stepwise:9.1e} {continued:9.1e}"]
    for prompt in (None, parity.random_codes(family, known)):
        wanted = family.reference.generate(prompt, attributes, max_gen_len=frames, use_sampling=False)
        ours = decode(Window(model, conditions, frames, sampling=greedy, prompt=prompt), ignore)
        columns.append(f"{int((ours == wanted).sum()):6} of {wanted.numel():6}")
    together = decode(Window(model, conditions, frames, seeds=SEEDS), ignore)
    alone = torch.cat([decode(Window(model, conditions, frames, seeds=(seed,)), ignore) for seed in SEEDS])
    columns.append("same   " if torch.equal(together, alone) else "DIFFER ")
    codec = family.model.codec
    columns.append(f"{join_error_db(codec, together[:1]):8.1f} dB")
    return columns


def join_error_db(codec: Codec, codes: torch.Tensor) -> float:
    """The largest difference of sound made in chunks from one decode of everything, against the largest sample."""
    import torch

    from nur_studio.engines.musicgen.codec import SoundStream

    stream, size = SoundStream(codec), round(CHUNK_S * codec.frame_rate)
    parts = [stream.add(codes[..., start : start + size]) for start in range(0, codes.shape[-1], size)]
    joined = torch.cat([*parts, stream.add(codes[..., :0], last=True)], dim=1)
    whole = SoundStream(codec).add(codes, last=True)
    return 20 * math.log10(float((joined - whole).abs().max() / whole.abs().max()) + 1e-12)


def ignore(done: int, steps: int) -> None:
    """An `on_step` for who does not care."""


if __name__ == "__main__":
    main()
