"""The compose panel: what it hears, suggests, carries, refuses and asks for."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nur_studio.core.errors import InvalidRequest
from nur_studio.core.genres import genres
from nur_studio.core.progress import Progress
from nur_studio.core.prompt import PromptReading, read_prompt
from nur_studio.core.request import GenerationRequest
from nur_studio.gui.compose_panel import ComposePanel
from nur_studio.gui.heard import bars_text, heard_line
from nur_studio.gui.tap import TapTempo

PROMPT = "Chill lo-fi beat with jazzy Rhodes and rain, 76 bpm, D minor"


@pytest.fixture
def panel(qtbot: QtBot) -> ComposePanel:
    panel = ComposePanel(read_prompt, genres())
    qtbot.addWidget(panel)
    panel.resize(300, 820)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def asked(panel: ComposePanel) -> list[GenerationRequest]:
    requests: list[GenerationRequest] = []
    panel.generate_requested.connect(requests.append)
    return requests


def test_it_says_what_it_hears_while_one_types(panel: ComposePanel, qtbot: QtBot) -> None:
    qtbot.keyClicks(panel.prompt, PROMPT)
    qtbot.waitUntil(lambda: "76 BPM" in panel.heard.text())
    assert "lo-fi" in panel.heard.text()
    assert "D minor" in panel.heard.text()
    assert "about" not in panel.heard.text()
    assert panel.form.length.suffix == "9.5 bars"
    assert panel.form.tempo.placeholderText().endswith("76")


def test_a_guess_says_that_it_is_one() -> None:
    reading = PromptReading("pop", False, 112, False, (100, 120))
    line = heard_line(reading, "#ff0000")
    assert "perhaps pop" in line
    assert "about" in line
    heard = heard_line(PromptReading("pop", True, 85, True, (80, 90), excluded=("drums",)), "#ff0000")
    assert '<span style="color:#ff0000">pop</span>' in heard
    assert heard.endswith("no drums")
    assert "<b>" not in heard_line(PromptReading("<b>", True, 85, True, (80, 90)), "#ff0000")


def test_chips_fit_the_genre_and_add_to_the_prompt(panel: ComposePanel, qtbot: QtBot) -> None:
    assert "techno" in panel.chips.texts(), "an empty prompt is offered examples"
    panel.chips.click("techno")
    assert "techno" in panel.prompt.toPlainText()
    panel.prompt.setPlainText("lo-fi with rain")
    qtbot.waitUntil(lambda: "vinyl crackle" in panel.chips.texts())
    assert "rain" not in panel.chips.texts(), "what is said is not suggested"
    panel.chips.click("vinyl crackle")
    assert panel.prompt.toPlainText() == "lo-fi with rain, vinyl crackle"
    qtbot.waitUntil(lambda: "vinyl crackle" not in panel.chips.texts())


def test_a_request_is_what_the_fields_say(panel: ComposePanel, qtbot: QtBot) -> None:
    requests = asked(panel)
    panel.set_engine("sketch")
    panel.prompt.setPlainText(PROMPT)
    panel.form.genre_edit.setText("dub")
    panel.form.tempo.setText("85")
    panel.form.length.setText("45")
    qtbot.mouseClick(panel.form.format.button("flac"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(panel.form.takes.button(4), Qt.MouseButton.LeftButton)
    panel.form.seed.setText("1234")
    qtbot.keyClick(panel.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert requests == [GenerationRequest(PROMPT, 45, "dub", 85, "flac", 1234, "sketch", 4)]
    assert panel.prompt.toPlainText() == PROMPT, "what was typed stays"


def test_empty_fields_leave_the_choice_to_the_studio(panel: ComposePanel) -> None:
    requests = asked(panel)
    panel.prompt.setPlainText(PROMPT)
    panel.bar.button.click()
    assert requests == [GenerationRequest(PROMPT)]


@pytest.mark.parametrize(
    ("field", "text", "request_value"),
    [
        ("tempo", "300", 300),
        ("tempo", "fast", "fast"),
        ("duration", "2", 2),
        ("duration", "", None),
        ("seed", "-1", -1),
    ],
)
def test_a_faulty_field_carries_its_text_and_says_the_cores_sentence(
    panel: ComposePanel, field: str, text: str, request_value: object
) -> None:
    requests = asked(panel)
    panel.prompt.setPlainText(PROMPT)
    widget = panel.form.widget(field)
    widget.setText(text)  # type: ignore[union-attr]
    panel.generate()
    assert requests == []
    wrong = GenerationRequest(PROMPT, **{field: request_value})  # type: ignore[arg-type]
    assert panel.fault(field) == str(next(wrong.faults()))
    assert widget.text() == text  # type: ignore[union-attr]
    assert widget.hasFocus()  # type: ignore[union-attr]
    widget.setText("100")  # type: ignore[union-attr]
    assert panel.fault(field) == "", "the sentence goes as soon as one mends the field"


def test_an_empty_prompt_is_said_at_the_prompt(panel: ComposePanel) -> None:
    requests = asked(panel)
    panel.generate()
    assert requests == []
    assert panel.fault("prompt").startswith("prompt must be")
    panel.prompt.setPlainText("jazz")
    assert panel.fault("prompt") == ""


def test_a_fault_of_no_field_is_said_beside_the_button(panel: ComposePanel) -> None:
    panel.show_fault(InvalidRequest("engine", "x", "an engine"))
    assert panel.bar.failure.sentence == "engine must be an engine, not 'x'."


def test_a_field_left_with_a_fault_says_so(panel: ComposePanel, qtbot: QtBot) -> None:
    panel.form.tempo.setFocus()
    qtbot.keyClicks(panel.form.tempo, "999")
    panel.form.seed.setFocus()
    qtbot.waitUntil(lambda: panel.fault("tempo") != "")


def test_numbers_step_with_keys_within_their_range(panel: ComposePanel, qtbot: QtBot) -> None:
    tempo = panel.form.tempo
    qtbot.keyClick(tempo, Qt.Key.Key_Up)
    first = tempo.value()
    assert isinstance(first, int)
    qtbot.keyClick(tempo, Qt.Key.Key_PageUp)
    assert tempo.value() == first + 10
    tempo.setText("219")
    qtbot.keyClick(tempo, Qt.Key.Key_PageUp)
    assert tempo.value() == 220


def test_one_button_generates_and_cancels_and_another_queues(panel: ComposePanel, qtbot: QtBot) -> None:
    requests = asked(panel)
    panel.prompt.setPlainText(PROMPT)
    panel.set_progress(Progress("rendering", 0.624, 6.2), "Take 2 of 2")
    assert panel.bar.button.text() == "Cancel"
    assert panel.bar.stage.whole_text == "Take 2 of 2 · rendering"
    assert panel.bar.rate.text() == "62 % · 0:07 left"
    with qtbot.waitSignal(panel.cancel_requested):
        panel.bar.button.click()
    assert requests == []
    panel.bar.queue_button.click()
    qtbot.keyClick(panel.prompt, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert len(requests) == 2
    panel.set_progress(Progress("rendering", 0.7))
    assert "left" not in panel.bar.rate.text(), "no time is promised that was not measured"
    panel.set_progress(None)
    assert panel.bar.button.text() == "Generate"
    assert not panel.bar.queue_button.isVisible()


def test_the_queue_is_listed_and_can_be_thinned(panel: ComposePanel, qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QToolButton

    panel.set_progress(Progress("rendering", 0.1))
    panel.set_queue(["One", "Two", "Three", "Four", "Five"])
    assert panel.bar.queue_button.text() == "Queue · 5"
    buttons = panel.bar.findChildren(QToolButton)
    assert len(buttons) == 3
    with qtbot.waitSignal(panel.remove_requested) as removed:
        buttons[1].click()
    assert removed.args == [1]
    panel.set_queue([])
    assert panel.bar.queue_button.text() == "Queue"


def test_an_engine_that_cannot_run_turns_generate_off_and_says_why(panel: ComposePanel) -> None:
    panel.set_engine("musicgen", "The weights are missing.")
    assert not panel.bar.button.isEnabled()
    assert panel.bar.failure.sentence == "The weights are missing."
    panel.set_engine("sketch")
    assert panel.bar.button.isEnabled()
    assert panel.bar.failure.sentence == ""


def test_lock_keeps_the_last_seed(panel: ComposePanel) -> None:
    panel.set_last_seed(77)
    panel.form.lock.click()
    assert panel.form.seed.value() == 77
    panel.form.lock.click()
    assert panel.form.seed.value() is None
    panel.form.seed.setText("5")
    assert panel.form.lock.isChecked()


def test_a_draft_comes_back_as_it_was_typed(panel: ComposePanel, qtbot: QtBot) -> None:
    panel.prompt.setPlainText("half a sen")
    panel.form.tempo.setText("9999 and more")
    panel.form.length.setText("")
    panel.form.takes.set_value(4)
    draft = panel.draft()
    other = ComposePanel(read_prompt, genres())
    qtbot.addWidget(other)
    other.restore(draft)
    assert other.draft() == draft
    other.restore({})
    assert other.draft() == draft
    assert other.request().takes == 4


def test_a_request_fills_the_fields(panel: ComposePanel) -> None:
    request = GenerationRequest(PROMPT, 12, "dub", 70, "ogg", 9, None, 2)
    panel.set_request(request)
    assert panel.request() == request
    assert panel.form.lock.isChecked()


def test_tap_tempo_finds_the_beat_despite_one_late_tap() -> None:
    times = iter([0.0, 0.5, 1.0, 1.62, 2.0, 2.5, 10.0, 10.5])
    tap = TapTempo(clock=lambda: next(times))
    assert [tap.tap() for _ in range(6)][2:] == [120, 120, 120, 120]
    assert tap.tap() is None, "after a pause it begins anew"


@pytest.mark.parametrize(
    ("duration", "tempo", "beats", "text"),
    [(30, 85, 4, "10.6 bars"), (32, 120, 4, "16 bars"), (5, 48, 4, "1 bar"), (30, 90, 3, "15 bars")],
)
def test_bars(duration: int, tempo: int, beats: int, text: str) -> None:
    assert bars_text(duration, tempo, beats) == text


@pytest.mark.usefixtures("themed")
def test_nothing_is_cut_off_however_long_a_remark_is(panel: ComposePanel, qtbot: QtBot) -> None:
    qtbot.keyClicks(panel.prompt, PROMPT)
    panel.form.length.setText("300")
    qtbot.waitUntil(lambda: panel.form.length.suffix == "95 bars")
    panel.form.length.set_suffix("as many bars as a remark that is much too long for its field has words")
    inside = panel.form.parentWidget()
    assert inside is not None
    assert inside.minimumSizeHint().width() <= panel.width() - 16, "there is room left for a scroll bar"
    margin = panel.form.length.textMargins().right()
    assert margin < panel.form.length.width() - panel.form.length.fontMetrics().horizontalAdvance("300")
