"""One life of the player's process, seen from the window: start, commands out, messages in, end. Never blocks."""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import threading
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from nur_studio.audio.player_process import run_player
from nur_studio.audio.player_state import Block

_GOODBYE_S = 0.6  # for the process to end by itself


class PlayerLink:
    """Starts the process on a thread of its own and passes commands on in their order.

    `device`, `devices` and `error` are what the process said last; `gone` is set once it has died unasked.
    """

    def __init__(self, device: str) -> None:
        self._context = multiprocessing.get_context("spawn")
        self.block = Block.create(self._context)
        self.device = device
        self.devices: list[str] = []
        self.error = ""
        self.gone = False
        self._closing = False
        self._commands: queue.SimpleQueue[tuple[object, ...]] = queue.SimpleQueue()
        self.pid: int | None = None  # the process's, once it is started
        self._thread = threading.Thread(target=self._serve, args=(device,), name="player link", daemon=True)
        self._thread.start()

    def send(self, name: str, *arguments: object) -> None:
        """Queue a command for the process; those of a process that has died go nowhere."""
        self._commands.put((name, *arguments))

    def close(self) -> None:
        """End the process, by force if it takes over half a second."""
        self._closing = True
        self.send("close")
        self._thread.join(_GOODBYE_S + 0.3)

    def _serve(self, device: str) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=run_player, args=(theirs, self.block.memory, device), name="NUR Studio player", daemon=True
        )
        try:
            process.start()
        except OSError:  # no memory or too many processes
            self.gone = True
            return
        finally:
            theirs.close()
        self.pid = process.pid
        listener = threading.Thread(target=self._listen, args=(ours, process), name="player news", daemon=True)
        listener.start()
        with contextlib.suppress(OSError):  # it has died: the listener says so
            while not self.gone:
                command = self._commands.get()
                ours.send(command)
                if command[0] == "close":
                    break
        process.join(_GOODBYE_S)
        if process.is_alive():
            process.kill()
            process.join()
        listener.join()
        ours.close()
        with contextlib.suppress(ValueError):  # who starts a process elsewhere may be reaping this one in this moment
            process.close()

    def _listen(self, connection: Connection, process: SpawnProcess) -> None:
        with contextlib.suppress(EOFError, OSError):
            while connection in wait([connection, process.sentinel]):
                name, value = connection.recv()
                setattr(self, name, value)
        if not self._closing:
            self.gone = True
            self.send("close")  # wakes the other thread, which reaps the process
