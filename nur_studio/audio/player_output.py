"""The output device, through PortAudio: names, opening, latency, and sentences for what goes wrong."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from nur_studio.audio.player_render import Renderer
from nur_studio.audio.player_state import CLOCK, DROPOUTS, Block
from nur_studio.audio.player_strips import BLOCK_FRAMES
from nur_studio.audio.real_time import ask_for_callback_priority
from nur_studio.core.errors import AudioUnavailable

LATENCY_S = 0.08
"""Asked of the device. Machines stand still: threads at the highest real-time priority were seen to wait 34 ms for both
of two busy processors, and at 10 ms of latency that alone made a dropout every half minute. The device takes sound in
pieces of a quarter of this, so some 50 ms are left to sit such a moment out. What is done to the mix enters the sound
with the next block and adds at most two blocks (12 ms) to the latency."""
_MOST_LATENCY_S = 0.24  # asked for once there were dropouts
_PATIENCE = 2  # dropouts before a stream is given up for one of more latency
_PREROLL_S = 0.05
"""Silence that a fresh stream gets first: sound servers lose up to 20 ms of a stream's beginning, measured."""
_LINGER_S = 1.0  # of silence before the device is let go, so that play after pause is instant
_LATENCY_BLOCKS = 64  # over which the latency is averaged: a sound server's own is more than what was asked of it
_ONE_DROPOUT_S = 0.2  # PortAudio tells of one in several blocks running
_CLOSING_S = 1.0  # a sound server that hangs lets nobody close
_DEAD_S = 3.0  # a device that asks for nothing this long is gone; a sound server may rest for 2 s after a dropout


class Output:
    """At most one open stream, which plays `renderer`. Not for several threads; only the callback runs beside it."""

    def __init__(self, renderer: Renderer, block: Block) -> None:
        self._renderer = renderer
        self._block = block
        self._library: ModuleType | None = None
        self._stream: Any = None
        self._stale = False  # PortAudio's list of devices may no longer be true
        self._rate = 0
        self.asked_latency_s = LATENCY_S  # of the stream that is open or was last
        self._known_dropouts = 0  # when the stream was opened
        self._preroll = 0  # blocks of silence still to come
        self._linger = 0
        self._finished = False  # the callback ended the stream itself
        self._fault: Exception | None = None
        self._last_block = 0.0
        self.device = ""  # the open stream's
        self.stuck = False  # a device that never answers holds PortAudio: only another process can play again

    @property
    def is_open(self) -> bool:
        return self._stream is not None

    @property
    def rate(self) -> int:
        return self._rate

    def devices(self) -> list[str]:
        """Names of what can play stereo, freshly looked up unless a stream is open. Empty without PortAudio."""
        try:
            library = self._ready()
        except AudioUnavailable:
            return []
        return [name for _, name in _named_outputs(library)]

    @property
    def falls_behind(self) -> bool:
        """Whether the open stream drops out again and again, and one of more latency may not."""
        dropouts = int(self._block.integers[DROPOUTS]) - self._known_dropouts
        return self.is_open and dropouts >= _PATIENCE and self.asked_latency_s < _MOST_LATENCY_S

    def suitable_rate(self, device: str, wanted: int) -> int:
        """`wanted` where the device takes it, else the device's own rate. Raises AudioUnavailable."""
        library = self._ready()
        index = self._index(library, device)
        try:
            library.check_output_settings(device=index, channels=2, dtype="float32", samplerate=wanted)
        except library.PortAudioError:
            return int(library.query_devices(index)["default_samplerate"])
        return wanted

    def open(self, device: str, rate: int) -> None:
        """Start playing the renderer at `rate`. Raises AudioUnavailable."""
        library = self._ready()
        index = self._index(library, device)
        name = str(library.query_devices(index)["name"])
        self._rate, self._linger, self._finished, self._fault = rate, int(_LINGER_S * rate), False, None
        self._preroll = -(-int(_PREROLL_S * rate) // BLOCK_FRAMES)
        self._last_block = CLOCK()
        self._renderer.silent_frames = 0
        stream = None
        try:
            with _quiet_stderr():
                stream = library.OutputStream(
                    samplerate=rate,
                    blocksize=BLOCK_FRAMES,
                    device=index,
                    channels=2,
                    dtype="float32",
                    latency=self._latency(),
                    extra_settings=_settings(library, index),
                    callback=self._make_callback(library),
                )
                stream.start()
        except (library.PortAudioError, ValueError) as error:
            if stream is not None:
                stream.close(ignore_errors=True)
            self._stale = True
            raise AudioUnavailable(
                f"The output device “{name}” cannot be opened ({_cause(error)}).",
                hint="Close what else uses it or pick another one in Settings, then press play.",
            ) from error
        self._stream, self.device = stream, name
        self._block.latency[0] = stream.latency

    def close(self) -> None:
        """Let the device go at once; what it has not played yet is lost. See `stuck`."""
        stream, self._stream = self._stream, None
        if stream is not None:
            closer = threading.Thread(target=stream.close, name="player close", daemon=True)
            with _quiet_stderr():
                closer.start()
                closer.join(_CLOSING_S)
            self.stuck = self.stuck or closer.is_alive()

    def check(self) -> bool:
        """Whether the stream still runs; False when it has come to rest by itself. Raises AudioUnavailable."""
        if self._stream is None:
            return False
        blocks_late = CLOCK() - self._last_block > _DEAD_S
        if self._stream.active and not blocks_late:
            return True
        self.close()
        if self._finished and self._fault is None:
            return False
        self._stale = True
        if self._fault is not None:
            raise AudioUnavailable(
                f"Playing broke off through a fault in the studio ({self._fault!r}).", hint="Press play to go on."
            ) from self._fault
        raise AudioUnavailable(
            f"The output device “{self.device}” vanished.", hint="Pick another one in Settings or plug it back in."
        )

    def _latency(self) -> float:
        """More, from stream to stream, as long as there are dropouts: 80, 140, 240 ms."""
        dropouts = int(self._block.integers[DROPOUTS])
        if dropouts > self._known_dropouts:
            self._known_dropouts = dropouts
            self.asked_latency_s = min(self.asked_latency_s * 1.75, _MOST_LATENCY_S)
        return self.asked_latency_s

    def forget_devices(self) -> None:
        """Look them up anew when next asked."""
        self._stale = True

    def _make_callback(self, library: ModuleType) -> Callable[..., None]:
        renderer, integers, latency = self._renderer, self._block.integers, self._block.latency
        hurry, missed_at = True, 0.0
        stop, abort = library.CallbackStop, library.CallbackAbort

        def callback(out: np.ndarray, _frames: int, times: Any, status: Any) -> None:
            nonlocal hurry, missed_at
            now = self._last_block = CLOCK()
            if hurry:
                hurry = False
                ask_for_callback_priority()
            if self._preroll > 0:
                self._preroll -= 1
                out.fill(0.0)
                return
            ahead = times.outputBufferDacTime - times.currentTime
            if 0.0 < ahead < 5.0:
                latency[0] += (ahead - latency[0]) / _LATENCY_BLOCKS
            else:  # some devices do not say
                ahead = latency[0]
            if status.output_underflow and renderer.sounding:
                if now - missed_at > _ONE_DROPOUT_S:
                    integers[DROPOUTS] += 1
                missed_at = now
            try:
                renderer.render(out, now + ahead)
            except Exception as error:
                self._fault = error
                out.fill(0.0)
                raise abort from error
            if renderer.silent_frames > self._linger and not renderer.active:
                self._finished = True
                raise stop

        return callback

    def _ready(self) -> ModuleType:
        """The sounddevice module, with PortAudio's list of devices as fresh as can be."""
        with _quiet_stderr():
            if self._library is None:
                try:
                    import sounddevice
                except OSError as error:
                    raise _without_portaudio() from error
                self._library = sounddevice
            elif self._stale and self._stream is None:
                self._library._terminate()
                self._library._initialize()
            self._stale = self._stale and self._stream is not None
        return self._library

    def _index(self, library: ModuleType, device: str) -> int:
        outputs = _named_outputs(library)
        if not outputs:
            self._stale = True
            raise AudioUnavailable(
                "This machine has no audio output device.", hint="Connect or switch one on, then press play."
            )
        if device:
            for index, name in outputs:
                if name == device:
                    return index
            self._stale = True
            raise AudioUnavailable(
                f"The output device “{device}” is not there.", hint="Pick another one in Settings or plug it back in."
            )
        default = int(library.default.device[1])
        return default if default >= 0 else outputs[0][0]


def _named_outputs(library: ModuleType) -> list[tuple[int, str]]:
    """Index and name of every stereo output; the driver family is named where one device comes in several."""
    apis = [api["name"] for api in library.query_hostapis()]
    outputs = [
        (index, str(found["name"]), apis[found["hostapi"]])
        for index, found in enumerate(library.query_devices())
        if found["max_output_channels"] >= 2
    ]
    names = [name for _, name, _ in outputs]
    return [(index, name if names.count(name) == 1 else f"{name}, {api}") for index, name, api in outputs]


def _settings(library: ModuleType, index: int) -> Any:
    """WASAPI takes only its mixer's rate unless asked to convert."""
    api = library.query_hostapis(library.query_devices(index)["hostapi"])["name"]
    return library.WasapiSettings(auto_convert=True) if "WASAPI" in api else None


def _without_portaudio() -> AudioUnavailable:
    hint = "Install it (`sudo apt install libportaudio2` on Debian or Ubuntu), then press play."
    return AudioUnavailable("Nothing can be played: the PortAudio library is missing.", hint=hint)


def _cause(error: Exception) -> str:
    text = str(error.args[0]) if error.args else str(error)
    return text.removeprefix("Error opening OutputStream: ").removeprefix("Error starting stream: ")


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """ALSA writes lines about every device that is *not* there; what matters comes back as an error anyway."""
    try:
        kept = os.dup(2)
    except OSError:  # no stderr: a windowed program on Windows
        yield
        return
    try:
        with open(os.devnull, "w") as nothing:  # noqa: PTH123 (os.devnull is not a path everywhere)
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
