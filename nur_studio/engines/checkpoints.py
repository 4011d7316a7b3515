"""Reads files that `torch.save` wrote, without ever executing anything they hold."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nur_studio.core.errors import EngineUnavailable

AGAIN = "Download or import the model again."


class BadCheckpoint(EngineUnavailable):
    """A file of a model is missing, damaged, or not what its name says."""


def read_package(path: Path, stand_ins: tuple[tuple[Callable[..., Any], str], ...] = ()) -> dict[str, Any]:
    """The contents of a file that `torch.save` wrote: tensors stay on disk until they are touched.

    Only plain values and tensors are read; what the file calls by name is answered by one of `stand_ins` (who answers,
    and to which name), never by the thing itself. Raises `BadCheckpoint` where the file is missing, cut short, no
    checkpoint, or asks for anything else.
    """
    import torch

    try:
        with torch.serialization.safe_globals(list(stand_ins)):
            package = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError as error:
        raise BadCheckpoint(f"{path.name} is missing in {path.parent}.", hint=AGAIN) from error
    except pickle.UnpicklingError as error:
        raise BadCheckpoint(
            f"{path} holds more than weights and was not opened: it could run code.", hint=AGAIN
        ) from error
    except MemoryError:
        raise
    except OSError as error:
        raise BadCheckpoint(f"{path} cannot be read ({error.strerror or error}).", hint=AGAIN) from error
    except Exception as error:  # torch raises RuntimeError, EOFError, KeyError, ValueError … on damaged archives
        raise BadCheckpoint(f"{path} is damaged or no checkpoint.", hint=AGAIN) from error
    if not isinstance(package, dict) or not all(isinstance(key, str) for key in package):
        raise BadCheckpoint(f"{path} is not a checkpoint of a model.", hint=AGAIN)
    return package


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, in any of the ways in which torch says so."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    words = ("out of memory", "not enough memory", "can't allocate memory", "defaultcpuallocator")
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
