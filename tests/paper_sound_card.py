"""Sound cards of paper: what the player hands to its device is captured into a file, no hardware needed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 44100


class PaperSoundCard:
    """An ALSA card that takes sound as fast as it comes, and writes it down as float32 stereo.

    With `rate` it knows this one only.
    """

    def __init__(self, folder: Path, rate: int | None = None) -> None:
        self.file = folder / "played.raw"
        self.config = folder / "asound.conf"
        # With no such converter, ALSA refuses what it would have to convert.
        only = 'slave { pcm "cap" ' + (f'rate {rate} }} rate_converter "none"' if rate else "}")
        self.config.write_text(
            "pcm.nul { type null }\n"
            f'pcm.cap {{ type file slave.pcm "nul" file "{self.file}" format "raw" }}\n'
            f'pcm.!default {{ type plug {only} hint {{ show on description "paper" }} }}\n'
        )

    def played(self) -> NDArray[np.float32]:
        """Everything played, (frames, 2), once nothing more comes. Opening the device again begins a new file."""
        size = -1
        until = time.monotonic() + 10
        while size != (size := self.file.stat().st_size) and time.monotonic() < until:
            time.sleep(0.15)  # ALSA writes in pieces, and the stream goes on in silence for a moment
        raw = np.fromfile(self.file, np.float32)
        return raw[: len(raw) // 2 * 2].reshape(-1, 2)


class PulseCapture:
    """A private PulseAudio in real time, its monitor recorded. `unplug` ends the server as a pulled cable would."""

    def __init__(self, folder: Path, rate: int = RATE) -> None:
        self.config = folder / "asound.conf"
        self._folder = folder
        self._rate = rate
        self._socket = folder / "native"
        self._environment = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
        self._environment.pop("ALSA_CONFIG_PATH", None)
        self._server: subprocess.Popen[bytes] | None = None
        self._recorder: subprocess.Popen[bytes] | None = None
        self._collector: threading.Thread | None = None
        self._chunks: list[bytes] = []
        self._arrivals: list[tuple[int, float]] = []  # frames by then, time of arrival
        library = next(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
        self.config.write_text(
            f'pcm_type.pulse {{ lib "{library}" }}\n'
            f'pcm.!default {{ type pulse server "unix:{self._socket}" device "cap" '
            'hint { show on description "paper in real time" } }\n'
        )

    def plug_in(self) -> None:
        self._server = subprocess.Popen(
            [
                *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
                *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"),
                *("-L", f"module-null-sink sink_name=cap rate={self._rate} channels=2 format=float32le"),
            ],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while not self._socket.exists():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("PulseAudio did not start")
            time.sleep(0.02)
        _as_hardware(self._server)

    def record(self) -> None:
        """Start writing down what is played; returns once the first frames have come."""
        self._recorder = subprocess.Popen(
            [
                *("parec", f"--server=unix:{self._socket}", "-d", "cap.monitor", "--format=float32le"),
                *(f"--rate={self._rate}", "--channels=2", "--latency-msec=1", "--raw"),
            ],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        _as_hardware(self._recorder)
        self._collector = threading.Thread(target=self._collect, args=(self._recorder,), daemon=True)
        self._collector.start()
        deadline = time.monotonic() + 10
        while not self._chunks:
            if time.monotonic() > deadline:
                raise RuntimeError("nothing can be recorded from PulseAudio")
            time.sleep(0.02)

    def _collect(self, recorder: subprocess.Popen[bytes]) -> None:
        assert recorder.stdout is not None
        frames = 0
        while chunk := os.read(recorder.stdout.fileno(), 65536):
            self._chunks.append(chunk)
            frames += len(chunk) // 8
            self._arrivals.append((frames, time.perf_counter()))

    def played(self) -> NDArray[np.float32]:
        """Everything heard so far, (frames, 2), silence included."""
        raw = np.frombuffer(b"".join(list(self._chunks)), np.float32)
        return raw[: len(raw) // 2 * 2].reshape(-1, 2)

    @property
    def arrivals(self) -> list[tuple[int, float]]:
        """How many frames had come at which time.perf_counter()."""
        return list(self._arrivals)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The server stands still and answers nobody."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._server.send_signal(signal.SIGCONT)

    def unplug(self) -> None:
        for process in (self._recorder, self._server):
            if process is not None:
                process.kill()
                process.wait()
        if self._recorder is not None and self._collector is not None:
            self._collector.join()
            assert self._recorder.stdout is not None
            self._recorder.stdout.close()
        self._recorder = self._server = None
        self._socket.unlink(missing_ok=True)


def _as_hardware(process: subprocess.Popen[bytes]) -> None:
    """A card's clock does not wait for a processor: neither may what stands for it. Where the system forbids that, the
    machine must be less busy."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(process.pid, os.SCHED_RR, os.sched_param(10))


def counting(frames: int) -> NDArray[np.float32]:
    """Every sample says where it is: frame n is (n mod 4096) on the left and n // 4096 on the right, in 2⁻¹³ steps."""
    frame = np.arange(frames)
    return (np.stack([frame % 4096 + 1, frame // 4096 + 1], axis=1) / 8192).astype(np.float32)


def counted(audio: NDArray[np.float32]) -> NDArray[np.int64]:
    """Frame numbers of a `counting`; −1 for silence. Faded frames give nonsense."""
    steps = np.rint(audio * 8192).astype(np.int64)
    frames: NDArray[np.int64] = np.where(audio.any(axis=1), (steps[:, 1] - 1) * 4096 + steps[:, 0] - 1, -1)
    return frames


def has_pulse() -> bool:
    """Whether real-time capture can run here."""
    return bool(shutil.which("pulseaudio") and shutil.which("parec")) and any(
        Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")
    )


@contextlib.contextmanager
def alsa_config(path: Path) -> Iterator[None]:
    """Processes started inside see the sound cards of this file only."""
    before = os.environ.get("ALSA_CONFIG_PATH")
    os.environ["ALSA_CONFIG_PATH"] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["ALSA_CONFIG_PATH"]
        else:
            os.environ["ALSA_CONFIG_PATH"] = before
