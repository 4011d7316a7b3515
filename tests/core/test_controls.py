"""What may be steered, and the sentence where it is out of range."""

import pytest

from nur_studio.core.controls import Controls, Reference, SectionPrompt
from nur_studio.core.request import GenerationRequest


def test_defaults_need_no_touching() -> None:
    assert list(Controls().faults()) == []


@pytest.mark.parametrize(
    ("controls", "field"),
    [
        (Controls(guidance=0.5), "guidance"),
        (Controls(guidance=float("nan")), "guidance"),
        (Controls(temperature=0.0), "temperature"),
        (Controls(temperature=True), "temperature"),
        (Controls(top_k=-1), "top_k"),
        (Controls(top_k=2049), "top_k"),
        (Controls(window_s=9), "window_s"),
        (Controls(window_s=31), "window_s"),
        (Controls(window_s=12.5), "window_s"),  # type: ignore[arg-type]
        (Controls(window_s=True), "window_s"),
        (Controls(description="x" * 1001), "description"),
        (Controls(negative="x" * 1001), "negative"),
        (Controls(sections=(SectionPrompt(8, "a"), SectionPrompt(4, "b"))), "sections"),
        (Controls(sections=(SectionPrompt(4, "a"), SectionPrompt(4, "b"))), "sections"),
        (Controls(sections=(SectionPrompt(-1, "a"),)), "sections"),
        (Controls(sections=(SectionPrompt(0, " "),)), "sections"),
        (Controls(sections=tuple(SectionPrompt(bar, "a") for bar in range(17))), "sections"),
        (Controls(reference=Reference("melody", "a.wav", start_s=3.0, end_s=3.0)), "reference"),
        (Controls(reference=Reference("continue", "a.wav", start_s=-1.0)), "reference"),
    ],
)
def test_a_fault_names_its_field(controls: Controls, field: str) -> None:
    faults = list(GenerationRequest("piano", controls=controls).faults())
    assert [fault.field for fault in faults] == [field]
    assert faults[0].sentence.endswith(".")


def test_bounds_are_allowed() -> None:
    wide = Controls(
        guidance=10.0, temperature=2, top_k=0, window_s=10, sections=(SectionPrompt(0, "a"), SectionPrompt(8, "b"))
    )
    assert list(wide.faults()) == []
    assert list(Controls(reference=Reference("continue", "trk_x", start_s=1.0)).faults()) == []
