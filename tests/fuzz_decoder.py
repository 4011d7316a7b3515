"""Mutates the first bytes of audio files and decodes them, in a process with little memory and time: a program.

Prints how many files were sound, and how many were not; whatever else happens, it dies of it.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import numpy as np

from nur_studio.audio import decoder_child

COUNT = 250
_SPAN = 200  # bytes at the start: all headers end before
_EXTREMES = (0x00, 0x01, 0x7F, 0x80, 0xFF)
_MOST_BLOCKS = 400


def main(files: list[str]) -> None:
    decoder_child.limit_memory()
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    rng = np.random.default_rng(5)
    sound = refused = 0
    target = Path(files[0]).with_name("mutant")
    for name in files:
        original = np.frombuffer(Path(name).read_bytes(), np.uint8)
        for number in range(COUNT):
            mutant = original.copy()
            span = min(len(mutant), _SPAN)
            for place in rng.integers(0, span, int(rng.integers(1, 12))):
                mutant[place] = rng.choice(_EXTREMES) if rng.random() < 0.5 else rng.integers(0, 256)
            if number % 5 == 0:
                mutant = mutant[: rng.integers(0, len(mutant))]
            target.write_bytes(mutant.tobytes())
            messages = list(zip(decoder_child._with_libsndfile(target), range(_MOST_BLOCKS), strict=False))
            blocks = [message for message, _ in messages if isinstance(message, bytes)]
            assert all(len(block) <= 4 << 20 for block in blocks)
            sound += bool(blocks)
            refused += not blocks
    sys.stdout.write(f"{sound} {refused}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
