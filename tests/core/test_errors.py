"""Errors: one sentence and a hint, also after crossing from another process."""

import pickle

import pytest

from nur_studio.core.errors import (
    Cancelled,
    EngineUnavailable,
    GenerationFailed,
    InvalidRequest,
    StudioError,
    TrackNotFound,
)


def test_a_sentence_and_a_hint() -> None:
    error = StudioError("It is raining.", hint="Take an umbrella.")
    assert (error.sentence, error.hint, str(error)) == (
        "It is raining.", "Take an umbrella.", "It is raining. Take an umbrella.",
    )  # fmt: skip
    assert str(StudioError("It is raining.")) == "It is raining."


@pytest.mark.parametrize(
    "error",
    [
        StudioError("Plain."),
        GenerationFailed("It stopped.", hint="Try again."),
        EngineUnavailable("No weights."),
        InvalidRequest("tempo", 500, "a whole number of BPM from 40 to 220"),
        TrackNotFound("trk_000000000000"),
    ],
)
def test_an_error_survives_pickling(error: StudioError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert (str(back), back.hint, vars(back)) == (str(error), error.hint, vars(error))


def test_a_long_value_is_cut_in_the_sentence() -> None:
    error = InvalidRequest("prompt", "x" * 5000, "at most 4000 characters")
    assert str(error).startswith("prompt must be at most 4000 characters, not 'xxx")
    assert str(error).endswith("x…'.")
    assert len(str(error)) < 120
    assert error.value == "x" * 5000


def test_cancelled_is_no_studio_error() -> None:
    assert not issubclass(Cancelled, StudioError)
