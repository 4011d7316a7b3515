"""What may be steered beside the request: the description sent, how a model samples, sections, reference audio."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from nur_studio.core.controls import Controls, Reference, SectionPrompt
from nur_studio.core.genres import genres
from nur_studio.core.prompt import read_prompt
from nur_studio.core.request import GenerationRequest
from nur_studio.gui.compose_panel import ComposePanel
from nur_studio.gui.drag import Held, Wanted, mime_data
from nur_studio.gui.reference_field import Source, selection

PROMPT = "Chill lo-fi beat, 76 bpm"
ALL = frozenset({"keep", "controls", "sections", "continue", "melody", "count-in"})
TAKE = Source("trk_aaaaaaaaaaaa", "Rainy night tape", ("drums", "bass", "vocals", "other"), 8.0, 16.0)


def described(request: GenerationRequest) -> str:
    return f"{request.prompt}. bpm: {request.tempo or 76}"


@pytest.fixture
def panel(qtbot: QtBot, themed: object) -> ComposePanel:
    panel = ComposePanel(read_prompt, genres())
    qtbot.addWidget(panel)
    panel.set_describe(described)
    panel.set_abilities(ALL)
    panel.resize(300, 1400)
    panel.show()
    qtbot.waitExposed(panel)
    panel.prompt.setPlainText(PROMPT)
    qtbot.waitUntil(lambda: panel.steering.advanced.description.toPlainText().startswith(PROMPT))
    return panel


def asked(panel: ComposePanel) -> list[GenerationRequest]:
    requests: list[GenerationRequest] = []
    panel.generate_requested.connect(requests.append)
    return requests


def test_nothing_of_it_is_there_for_an_engine_that_cannot_be_steered(panel: ComposePanel) -> None:
    panel.steering.advanced.negative.setText("vocals")
    panel.steering.reference.set_source(TAKE, "continue")
    panel.set_abilities(())
    assert panel.steering.isHidden()
    assert panel.request() == GenerationRequest(PROMPT), "what is typed there is not sent"
    panel.set_abilities({"continue"})
    assert not panel.steering.reference.isHidden()
    assert panel.steering.model_part.isHidden()
    assert panel.request().controls == Controls(reference=Reference("continue", TAKE.source, "mix", 8.0, 16.0))
    panel.set_abilities(ALL)
    assert panel.request().controls.negative == "vocals", "and it is still there"


def test_a_use_that_is_not_offered_is_not_reached_by_keys(panel: ComposePanel, qtbot: QtBot) -> None:
    use = panel.steering.reference.use
    panel.steering.reference.set_source(TAKE, "melody")
    panel.set_abilities({"continue"})
    assert panel.request().controls.reference is None
    assert use.value == ""
    qtbot.keyClick(use.button(""), Qt.Key.Key_Right)
    qtbot.keyClick(use.button("continue"), Qt.Key.Key_Right)
    assert use.value == "continue"
    assert panel.request().controls.reference is not None


def test_everything_is_reached_with_tab_and_says_what_it_is(panel: ComposePanel, qtbot: QtBot) -> None:
    steering = panel.steering
    steering.model_part.set_open(True)
    steering.sections_part.set_open(True)
    steering.sections.add.click()
    steering.reference.set_source(TAKE, "continue")
    qtbot.waitUntil(lambda: steering.sections.rows[0].isVisible() and steering.reference.part.isVisible())
    panel.form.seed.setFocus()
    reached: list[QWidget] = []
    while (now := panel.window().focusWidget()) is not None and now is not panel.bar.button and len(reached) < 60:
        reached.append(now)
        qtbot.keyClick(now, Qt.Key.Key_Tab)
    expected = [
        steering.reference.use.button("continue"),
        steering.reference.clear,
        steering.reference.part,
        steering.reference.shown,
        steering.reference.file,
        steering.sections_part.head,
        steering.sections.rows[0].bar,
        steering.sections.rows[0].words,
        steering.sections.rows[0].remove,
        steering.sections.add,
        steering.model_part.head,
        steering.advanced.description,
        steering.advanced.negative,
        steering.advanced.guidance,
        steering.advanced.temperature,
        steering.advanced.top_k,
        steering.advanced.window_s,
        steering.advanced.bar_one,
    ]
    assert [widget for widget in reached if widget in expected] == expected
    for widget in expected:
        assert widget.toolTip()
        assert widget.accessibleName() or widget.text()  # type: ignore[attr-defined]


def test_untouched_it_asks_for_the_defaults(panel: ComposePanel) -> None:
    requests = asked(panel)
    panel.generate()
    assert requests == [GenerationRequest(PROMPT)]
    assert panel.steering.model_part.summary.text() == "defaults"


def test_the_model_part_opens_with_a_key(panel: ComposePanel, qtbot: QtBot) -> None:
    part = panel.steering.model_part
    assert panel.steering.advanced.isHidden()
    part.head.setFocus()
    qtbot.keyClick(part.head, Qt.Key.Key_Space)
    assert panel.steering.advanced.isVisible()
    qtbot.keyClick(part.head, Qt.Key.Key_Space)
    assert not panel.steering.advanced.isVisible()


def test_the_description_follows_the_prompt_until_one_writes_another(panel: ComposePanel, qtbot: QtBot) -> None:
    advanced = panel.steering.advanced
    panel.form.tempo.setText("85")
    qtbot.waitUntil(lambda: advanced.description.toPlainText() == f"{PROMPT}. bpm: 85")
    assert panel.request().controls.description is None
    assert advanced.reset.isHidden()
    panel.steering.model_part.set_open(True)
    advanced.description.setPlainText("warm tape")
    assert not advanced.reset.isHidden()
    panel.prompt.setPlainText("Techno")
    qtbot.waitUntil(lambda: "techno" in panel.heard.text())
    assert panel.request().controls.description == "warm tape", "own words stay"
    assert panel.steering.model_part.summary.text() == "1 changed"
    qtbot.mouseClick(advanced.reset, Qt.MouseButton.LeftButton)
    assert advanced.description.toPlainText() == "Techno. bpm: 85"
    assert panel.request().controls.description is None
    advanced.description.clear()
    assert panel.request().controls.description is None, "nothing written: what follows from the prompt"


def test_a_tempo_that_each_take_draws_is_said_to_be_so(panel: ComposePanel, qtbot: QtBot) -> None:
    panel.steering.model_part.set_open(True)
    says = panel.steering.advanced._says
    assert says.isHidden()
    panel.prompt.setPlainText("lo-fi")
    qtbot.waitUntil(lambda: says.isVisible() and "draws its own" in says.text())
    panel.form.seed.setText("7")
    qtbot.waitUntil(lambda: says.isHidden())


def test_every_field_reaches_the_request(panel: ComposePanel) -> None:
    advanced = panel.steering.advanced
    advanced.negative.setText(" vocals ")
    advanced.guidance.setText("4,5")
    advanced.temperature.setText("0.8")
    advanced.top_k.setText("100")
    advanced.window_s.setText("15")
    advanced.count_in.setChecked(True)
    advanced.bar_one.setChecked(False)
    panel.form.end.button(True).click()
    wanted = Controls(None, "vocals", 4.5, 0.8, 100, count_in=True, loop=True, window_s=15, bar_one=False)
    assert panel.request().controls == wanted
    other_than_that = GenerationRequest(PROMPT)
    panel.set_request(other_than_that)
    assert panel.request() == other_than_that
    sections = (SectionPrompt(8, "pads"), SectionPrompt(16, "beat"))
    full = GenerationRequest(
        PROMPT, controls=Controls("own", "x", 2.0, 0.5, 9, sections, Reference("melody", "trk_b", "drums", 1.0, 2.0))
    )
    panel.set_request(full)
    assert panel.request() == full


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [("guidance", "11", 11.0), ("temperature", "hot", "hot"), ("top_k", "-1", -1), ("window_s", "9", 9)],
)
def test_a_fault_opens_its_part_and_is_said_at_its_field(
    panel: ComposePanel, field: str, text: str, value: object
) -> None:
    requests = asked(panel)
    widget = panel.steering.advanced.widget(field)
    widget.setText(text)  # type: ignore[union-attr]
    panel.generate()
    assert requests == []
    assert panel.steering.model_part.open
    assert widget.hasFocus()  # type: ignore[union-attr]
    assert panel.fault(field) == str(next(Controls(**{field: value}).faults()))  # type: ignore[arg-type]
    widget.clear()  # type: ignore[union-attr]
    assert panel.fault(field) == ""
    panel.generate()
    assert len(requests) == 1


def test_decimals_step_with_keys_within_their_range(panel: ComposePanel, qtbot: QtBot) -> None:
    panel.steering.model_part.set_open(True)
    guidance = panel.steering.advanced.guidance
    qtbot.keyClick(guidance, Qt.Key.Key_Up)
    assert guidance.value() == 3.0
    qtbot.keyClick(guidance, Qt.Key.Key_Down)
    assert guidance.value() == 2.9
    guidance.setText("9.9")
    qtbot.keyClick(guidance, Qt.Key.Key_PageUp)
    assert guidance.value() == 10.0


def test_sections_are_sent_in_the_order_of_their_bars(panel: ComposePanel, qtbot: QtBot) -> None:
    editor = panel.steering.sections
    panel.steering.sections_part.set_open(True)
    editor.add.click()
    assert editor.rows[0].words.hasFocus()
    assert editor.rows[0].bar.value() == 9
    assert panel.request().controls.sections == (), "a row without words is none"
    qtbot.keyClicks(editor.rows[0].words, "full beat")
    editor.add.click()
    qtbot.keyClicks(editor.rows[1].words, "pads")
    editor.rows[1].bar.setText("5")
    assert panel.request().controls.sections == (SectionPrompt(4, "pads"), SectionPrompt(8, "full beat"))
    assert panel.steering.sections_part.summary.text() == "2"
    editor.rows[1].bar.setText("9")
    requests = asked(panel)
    panel.generate()
    assert requests == []
    assert "one after the other" in panel.fault("sections")
    editor.rows[1].bar.setText("soon")
    panel.generate()
    assert requests == []
    editor.rows[1].remove.click()
    assert panel.fault("sections") == ""
    panel.generate()
    assert requests[0].controls.sections == (SectionPrompt(8, "full beat"),)


def test_a_use_without_audio_is_a_fault_at_its_field(panel: ComposePanel, qtbot: QtBot) -> None:
    requests = asked(panel)
    reference = panel.steering.reference
    assert reference.card.isHidden()
    qtbot.mouseClick(reference.use.button("continue"), Qt.MouseButton.LeftButton)
    assert reference.card.isVisible()
    panel.generate()
    assert requests == []
    assert "an audio file" in panel.fault("reference")
    reference.set_source(TAKE)
    assert panel.fault("reference") == ""
    assert reference.span.text() == "0:08.0 – 0:16.0"
    qtbot.waitUntil(lambda: panel.form.length.suffix == "more · 9.5 bars")
    reference.part.setCurrentIndex(reference.part.findData("drums"))
    panel.generate()
    assert requests[0].controls.reference == Reference("continue", TAKE.source, "drums", 8.0, 16.0)
    reference.clear.click()
    assert reference.source is None


def test_what_is_continued_needs_no_count_in(panel: ComposePanel) -> None:
    steering = panel.steering
    steering.advanced.count_in.setChecked(True)
    steering.reference.set_source(TAKE, "continue")
    assert not steering.advanced.count_in.isEnabled()
    assert not panel.request().controls.count_in
    steering.reference.use.button("melody").click()
    assert panel.request().controls.count_in


def test_a_file_is_picked_or_dropped_anywhere_on_the_panel(
    panel: ComposePanel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reference = panel.steering.reference
    song = tmp_path / "a song.flac"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(song), ""))
    reference.file.click()
    assert panel.request().controls.reference == Reference("continue", str(song))
    reference.use.button("melody").click()
    assert panel.request().controls.reference == Reference("melody", str(song))
    reference.clear.click()
    reference.use.button("").click()
    assert drop(panel, mime_data([tmp_path / "other.wav"]))
    assert panel.request().controls.reference == Reference("continue", str(tmp_path / "other.wav"))
    assert not drop(panel, mime_data([tmp_path / "letter.txt"]))
    assert not drop(panel, mime_data([tmp_path / "a.wav", tmp_path / "b.wav"]))
    elsewhere = QMimeData()
    elsewhere.setUrls([QUrl("https://example.org/a.wav")])
    assert not drop(panel, elsewhere)
    assert not panel.prompt.canInsertFromMimeData(mime_data([song])), "a file is not dropped into the prompt as words"


def test_a_row_or_a_stem_of_this_window_is_taken_as_the_take_itself(panel: ComposePanel, tmp_path: Path) -> None:
    taken: list[tuple[str, str]] = []
    panel.steering.reference.take_dropped.connect(lambda take, part: taken.append((take, part)))
    files = [tmp_path / "x.wav"]
    assert drop(panel, mime_data(files, Wanted(("trk_aaaaaaaaaaaa",), Held(("mix",)))))
    assert drop(panel, mime_data(files, Wanted(("trk_aaaaaaaaaaaa",), Held(("drums",)))))
    assert drop(panel, mime_data(files * 4, Wanted(("trk_aaaaaaaaaaaa",), Held(("drums", "bass", "vocals", "other")))))
    assert taken == [("trk_aaaaaaaaaaaa", "mix"), ("trk_aaaaaaaaaaaa", "drums"), ("trk_aaaaaaaaaaaa", "mix")]
    assert not drop(panel, mime_data(files * 2, Wanted(("trk_a", "trk_b"), Held(("mix",)))))
    panel.set_abilities({"controls"})
    assert not drop(panel, mime_data(files)), "an engine that starts from words only takes no audio"


def test_a_draft_of_it_comes_back_as_it_was_typed(panel: ComposePanel, qtbot: QtBot) -> None:
    steering = panel.steering
    steering.advanced.description.setPlainText("own words")
    steering.advanced.guidance.setText("much")
    steering.advanced.window_s.setText("some")
    steering.advanced.bar_one.setChecked(False)
    steering.sections_part.set_open(True)
    steering.sections.add.click()
    steering.sections.rows[0].bar.setText("x")
    steering.sections.rows[0].words.setText("half a sen")
    steering.reference.set_source(TAKE, "melody", "bass")
    draft = panel.draft()
    other = ComposePanel(read_prompt, genres())
    qtbot.addWidget(other)
    other.restore(draft)
    other.set_abilities(ALL)  # the engine may be known later than the draft
    assert other.draft() == draft
    assert other.steering.controls() == steering.controls()
    assert other.steering.reference.title.whole_text == TAKE.title
    other.restore({})
    assert other.draft() == draft
    other.restore({"sections": "{"})
    assert other.draft() == draft, "a damaged part of a draft costs nothing"


@pytest.mark.parametrize(
    ("loop", "wanted"),
    [
        (None, (0.0, None)),
        ((0, 44100), (0.0, None)),
        ((11025, 22050), (0.25, 0.5)),
        ((11025, 44100), (0.25, None)),
        ((0, 22050), (0.0, 0.5)),
    ],
)
def test_a_marked_region_in_seconds(loop: tuple[int, int] | None, wanted: tuple[float, float | None]) -> None:
    assert selection(loop, 44100, 44100) == wanted


def drop(panel: ComposePanel, data: QMimeData) -> bool:
    """Whether the panel takes what is dropped on it."""
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    place = QPointF(150, 300)
    entered = QDragEnterEvent(place.toPoint(), Qt.DropAction.CopyAction, data, left, none)
    panel.dragEnterEvent(entered)
    if not entered.isAccepted():
        return False
    dropped = QDropEvent(place, Qt.DropAction.CopyAction, data, left, none)
    panel.dropEvent(dropped)
    return dropped.isAccepted()
