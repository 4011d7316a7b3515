"""What may be asked: every range at its edges, and the one sentence for each fault."""

from dataclasses import replace

import pytest

from nur_studio.core.errors import InvalidRequest
from nur_studio.core.request import GenerationRequest

GOOD = GenerationRequest("lo-fi beat")


def test_the_defaults_are_the_references() -> None:
    assert (GOOD.duration, GOOD.genre, GOOD.tempo, GOOD.output_format) == (30, None, None, "mp3")
    GOOD.validate()


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": 5}, {"duration": 300}, {"tempo": 40}, {"tempo": 220}, {"genre": "x" * 60}, {"genre": "Zeuhl"},
        {"output_format": "ogg"}, {"seed": 0}, {"seed": 2**32 - 1}, {"engine": "sketch"}, {"takes": 8},
        {"prompt": "x" * 4000},
    ],
)  # fmt: skip
def test_the_edges_are_allowed(fields: dict[str, object]) -> None:
    replace(GOOD, **fields).validate()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"prompt": ""}, "prompt must be a description of the music in words, not ''."),
        ({"prompt": " \n"}, r"prompt must be a description of the music in words, not ' \n'."),
        ({"prompt": None}, "prompt must be a description of the music in words, not None."),
        ({"duration": 4}, "duration must be a whole number of seconds from 5 to 300, not 4."),
        ({"duration": 301}, "duration must be a whole number of seconds from 5 to 300, not 301."),
        ({"duration": 30.0}, "duration must be a whole number of seconds from 5 to 300, not 30.0."),
        ({"duration": True}, "duration must be a whole number of seconds from 5 to 300, not True."),
        ({"duration": "30"}, "duration must be a whole number of seconds from 5 to 300, not '30'."),
        ({"tempo": 39}, "tempo must be a whole number of BPM from 40 to 220, not 39."),
        ({"tempo": 221}, "tempo must be a whole number of BPM from 40 to 220, not 221."),
        ({"genre": ""}, "genre must be a name of at most 60 characters, such as lo-fi, not ''."),
        ({"output_format": "MP3"}, "output_format must be one of mp3, wav, flac, ogg, not 'MP3'."),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, not -1."),
        ({"seed": 2**32}, "seed must be a whole number from 0 to 4294967295, not 4294967296."),
        ({"engine": " "}, "engine must be the name of an engine; `nur-studio engines` lists them, not ' '."),
        ({"prompt": "a\udcffb"}, r"prompt must be text in the system's own encoding, not 'a\udcffb'."),
        ({"prompt": "a\0b"}, r"prompt must be text in the system's own encoding, not 'a\x00b'."),
        ({"genre": "\udcff"}, r"genre must be text in the system's own encoding, not '\udcff'."),
        ({"takes": 0}, "takes must be a whole number from 1 to 8, not 0."),
        ({"takes": 9}, "takes must be a whole number from 1 to 8, not 9."),
    ],
)
def test_one_sentence_names_field_value_and_range(fields: dict[str, object], sentence: str) -> None:
    request = replace(GOOD, **fields)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as caught:
        request.validate()
    assert str(caught.value) == sentence
    assert caught.value.field in fields


def test_every_fault_is_told_in_order() -> None:
    request = GenerationRequest("", duration=0, genre="", tempo=0, output_format="", seed=-1, engine="", takes=0)
    assert [fault.field for fault in request.faults()] == [
        "prompt", "duration", "genre", "tempo", "output_format", "seed", "engine", "takes",
    ]  # fmt: skip
