"""Keeps memory that a network frees, for its next layer, instead of giving it back to the system and asking again.

A layer's results are tens of megabytes. Linux' usual allocator takes each from the system, which clears it, page by
page, before it is first written to: a fifth of all the time a network takes on a processor. Other systems' allocators
are left alone.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

# Numbers of `malloc.h`, and what they are where nobody says otherwise. The second and third adapt themselves to what a
# program frees until they are set: they are put back to the most they would have reached.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_USUAL = {_TRIM_THRESHOLD: 64 << 20, _MMAP_THRESHOLD: 32 << 20, _MMAP_MAX: 65536}
_KEPT = {_TRIM_THRESHOLD: 2**31 - 1, _MMAP_MAX: 0}


@contextmanager
def kept() -> Iterator[None]:
    """Inside, freed memory stays with the process; at the end what is free goes back to the system.

    The same numbers are computed either way. Holds for all of this process; not to be nested.
    """
    library = _allocator()
    if library is None:
        yield
        return
    _set(library, _KEPT)
    try:
        yield
    finally:
        _set(library, _USUAL)
        library.malloc_trim(ctypes.c_size_t(0))


def can_keep() -> bool:
    """Whether `kept` does anything here."""
    return _allocator() is not None


def _set(library: Any, values: dict[int, int]) -> None:
    for name, value in values.items():
        library.mallopt(ctypes.c_int(name), ctypes.c_int(value))


@cache
def _allocator() -> Any:
    """The C library where it is GNU's, whose `mallopt` this is about; None elsewhere."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    known = all(hasattr(library, name) for name in ("gnu_get_libc_version", "mallopt", "malloc_trim"))
    return library if known else None
