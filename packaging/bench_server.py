"""Load and abuse for the HTTP server: polling clients while music is made, hang-ups, endless bodies, bad requests.

`.venv/bin/python packaging/bench_server.py [--clients 200] [--takes 8] [--fake]`. The server is a process of its own
with Sketch (or, with `--fake`, the tests' engine) and a library in a temporary folder. Prints a table; exit code 1
where anything was lost or answered with a fault.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
REAL = [sys.executable, "-m", "nur_studio"]
FAKE = [sys.executable, str(ROOT / "tests" / "fake_serve.py")]
HEAD = b"POST /v1/music/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
BAD: list[tuple[str, str, bytes, dict[str, str]]] = [
    ("POST", "/v1/music/generate", b"{", {"Content-Type": "application/json"}),
    ("POST", "/v1/music/generate", b'{"prompt": 7}', {"Content-Type": "application/json"}),
    ("POST", "/v1/music/generate", b'{"prompt": "x", "tempo": 900}', {"Content-Type": "application/json"}),
    ("POST", "/v1/music/generate", b"prompt=x", {}),
    ("POST", "/v1/music/generate", b"[" * 60000, {"Content-Type": "application/json"}),
    ("GET", "/v1/music/..%2f..%2fetc%2fpasswd", b"", {}),
    ("GET", "/v1/music/trk_000000000000/audio", b"", {}),
    ("GET", "/v1/music?limit=-1", b"", {}),
    ("DELETE", "/v1/music/%00", b"", {}),
    ("PATCH", "/v1/music", b"", {}),
    ("GET", "/v1/music", b"", {"Host": "evil.example"}),
    ("GET", "/v1/music", b"", {"Origin": "https://evil.example"}),
]


class Client:
    """Asks over one connection, opened again where the server closed it, and notes how long each answer took."""

    def __init__(self, port: int) -> None:
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.took_s: list[float] = []
        self.statuses: Counter[int] = Counter()

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
        started = time.perf_counter()
        for attempt in (1, 2):
            try:
                self._link.request(method, path, body or None, headers or {})
                answer = self._link.getresponse()
                data = answer.read()
                break
            except (http.client.HTTPException, ConnectionError):
                self._link.close()
                if attempt == 2:
                    raise
        self.took_s.append(time.perf_counter() - started)
        self.statuses[answer.status] += 1
        return data

    def close(self) -> None:
        self._link.close()


def poll(client: Client, ids: list[str], done: threading.Event) -> None:
    while not done.is_set():
        for track_id in ids:
            client.ask("GET", f"/v1/music/{track_id}")
        client.ask("GET", "/v1/music?limit=10")
        done.wait(0.5)  # a client that polls twice a second


def hang_up(port: int, ids: list[str]) -> None:
    """Half of them in the middle of waiting for music, half in the middle of following some."""
    for number in range(100):
        with socket.create_connection(("127.0.0.1", port)) as link:
            if number % 2:
                link.sendall(f"GET /v1/music/{ids[-1]}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            else:
                link.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")


def never_end(port: int, count: int) -> list[socket.socket]:
    """Connections whose requests never end: half in the head, half in the body."""
    links = []
    for number in range(count):
        link = socket.create_connection(("127.0.0.1", port))
        link.sendall(HEAD if number % 2 else HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n     \r\n")
        links.append(link)
    return links


def ended(link: socket.socket) -> bool:
    link.settimeout(30)
    try:
        while link.recv(65536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


def all_at_once(work: list[Callable[[], None]]) -> float:
    threads = [threading.Thread(target=each) for each in work]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def wish(number: int) -> bytes:
    return json.dumps({"prompt": f"slow waltz {number}", "duration": 5, "seed": number}).encode()


def mib(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 2**20


def files(process: psutil.Process) -> int:
    """Open files and connections, or what Windows counts for them."""
    count = getattr(process, "num_fds", None) or getattr(process, "num_handles")  # noqa: B009
    return int(count())


def percentiles(took_s: list[float]) -> str:
    cuts = statistics.quantiles(took_s, n=100)
    return f"p50 {1000 * cuts[49]:.0f} ms, p95 {1000 * cuts[94]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--takes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3, help="of all of it; memory is looked at after each")
    parser.add_argument("--fake", action="store_true", help="the tests' engine in place of Sketch")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "NUR_STUDIO_HOME": home}
        command = [*(FAKE if options.fake else REAL), "serve", "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", server.stdout.readline())
        if found is None:
            return 1
        try:
            faults = measure(int(found[1]), psutil.Process(server.pid), options)
        finally:
            server.send_signal(signal.SIGTERM)
            print(f"| ended by SIGTERM | exit code {server.wait(30)} |")
    return 1 if faults else 0


def measure(port: int, process: psutil.Process, options: argparse.Namespace) -> int:
    json_type = {"Content-Type": "application/json"}
    first = Client(port)
    first.ask("POST", "/v1/music/generate?wait=true", wish(0), json_type)  # the engine is started by it
    print("| what | figure |\n| --- | --- |")
    print(f"| memory of the server, one take made | {mib(process):.0f} MiB, {files(process)} files |", flush=True)
    faults = 0
    for number in range(options.rounds):
        faults += one_round(number, port, process, options)
    everything = json.loads(first.ask("GET", "/v1/music?limit=500"))["tracks"]
    states = Counter(track["status"] for track in everything)
    expected = 1 + options.rounds * options.takes
    print(f"| takes in the library | {dict(states)}, {expected} were asked for |")
    return int(faults + (states["completed"] != expected) + (len(everything) != expected))


def one_round(number: int, port: int, process: psutil.Process, options: argparse.Namespace) -> int:
    json_type = {"Content-Type": "application/json"}
    asker = Client(port)
    ids = []
    for take in range(options.takes):
        answer = asker.ask("POST", "/v1/music/generate", wish(1000 * (number + 1) + take), json_type)
        ids.append(str(json.loads(answer)["id"]))
    links = never_end(port, 50)
    done = threading.Event()
    clients = [Client(port) for _ in range(options.clients)]
    abusers = [Client(port) for _ in range(10)]

    def abuse(client: Client) -> None:
        for turn in range(100):
            method, path, body, headers = BAD[turn % len(BAD)]
            client.ask(method, path, body, headers)

    def finish() -> None:
        for track_id in ids:
            follow(port, track_id)
        done.set()

    took_s = all_at_once(
        [
            *(lambda client=client: poll(client, ids[-3:], done) for client in clients),
            *(lambda client=client: abuse(client) for client in abusers),
            lambda: hang_up(port, ids),
            finish,
        ]
    )
    cut_off = sum(ended(link) for link in links)
    polls = [took for client in clients for took in client.took_s]
    good: Counter[int] = sum((client.statuses for client in clients), Counter())
    bad: Counter[int] = sum((client.statuses for client in abusers), Counter())
    for client in (*clients, *abusers, asker):
        client.close()
    time.sleep(1.0)
    print(f"| round {number + 1}: {options.takes} takes beside {options.clients} clients | {took_s:.1f} s |")
    print(f"| polls answered | {dict(good)}, {len(polls) / took_s:.0f} a second, {percentiles(polls)} |")
    print(f"| bad requests answered | {dict(sorted(bad.items()))} |")
    print(f"| requests without an end that were cut off | {cut_off} of {len(links)} |")
    print(f"| memory of the server then | {mib(process):.0f} MiB, {files(process)} files |", flush=True)
    wrong = sum(count for status, count in (good + bad).items() if status >= 500)
    return int(wrong + (set(good) != {200}) + (cut_off != len(links)))


def follow(port: int, track_id: str) -> None:
    """Until its events have come to their end."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    link.request("GET", f"/v1/music/{track_id}/events")
    link.getresponse().read()
    link.close()


if __name__ == "__main__":
    sys.exit(main())
