"""What tests share: a real broker in a process of its own, a gRPC client, a local Slack, waiting with a deadline."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import grpc

from kraken_hooks.server import kraken_pb2 as wire

PROCESS = "/kraken.KrakenService/ProcessKrakenRequest"
SEND = "/kraken.KrakenMessage/Send"
#: Longest wait for something that has to happen, seconds; generous, because machines are shared.
PATIENCE = 30.0
#: How long a broker lets a call wait for its hooks where a test says nothing else: a busy machine must not turn replies into
#: "accepted".
_REPLY_WAIT = "20"

TUTORIAL = '{"id":"101", "name":"env-sensor", "temp":"25.6", "hum":"52.4"}'


def wait_until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What `condition` gives, as soon as it is true. Fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {patience} s in vain: {what}"
        time.sleep(0.01)


def children(pid: int) -> list[int]:
    """Ids of the processes that a (single-threaded, or main-thread) process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Reply:
    """A `KrakenResponse`, read."""

    def __init__(self, answer: Any) -> None:
        self.collector_name: str = answer.collector_name
        self.content_type: str = answer.content_type
        self.metadata: dict[str, Any] = json.loads(answer.metadata)
        self.payload: bytes = answer.payload

    @property
    def text(self) -> str:
        return self.payload.decode()

    @property
    def kind(self) -> str:
        return self.metadata["response_type"]


class Client:
    """A gRPC client, as a collector has it; one connection held open."""

    def __init__(self, port: int) -> None:
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{port}",
            options=[
                ("grpc.max_receive_message_length", 64 << 20),
                ("grpc.max_send_message_length", 64 << 20),
                ("grpc.enable_http_proxy", 0),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )
        self._process = self._channel.unary_unary(PROCESS)
        self._send = self._channel.unary_unary(SEND)

    @staticmethod
    def request(collector: str, payload: bytes | str, content_type: str, metadata: str) -> bytes:
        data = payload.encode() if isinstance(payload, str) else payload
        return wire.KrakenRequest(
            collector_name=collector, content_type=content_type, metadata=metadata, payload=data
        ).SerializeToString()

    def send(
        self,
        payload: bytes | str = TUTORIAL,
        collector: str = "webhook",
        content_type: str = "application/json",
        metadata: str = "{}",
        timeout: float = PATIENCE,
    ) -> Reply:
        answer = self._process(self.request(collector, payload, content_type, metadata), timeout=timeout)
        return Reply(wire.KrakenResponse.FromString(answer))

    def send_soon(
        self, payload: bytes | str = TUTORIAL, collector: str = "webhook", content_type: str = "application/json"
    ) -> Any:
        """A call under way: a grpc future of bytes."""
        return self._process.future(self.request(collector, payload, content_type, "{}"), timeout=2 * PATIENCE)

    def send_legacy(self, payload: str = TUTORIAL, provider: str = "webhook", kind: str = "collector") -> int:
        request = wire.KrakenMessageRequest(kind=kind, provider=provider, payload=payload)
        return wire.KrakenMessageResponse.FromString(self._send(request.SerializeToString(), timeout=PATIENCE)).status

    @property
    def channel(self) -> grpc.Channel:
        return self._channel

    def close(self) -> None:
        self._channel.close()


class Broker:
    """A broker process: `kraken-hooks run` on a hooks directory and a state directory under `folder`."""

    #: What is started in place of `kraken-hooks`.
    program: tuple[str, ...] = (sys.executable, "-m", "kraken_hooks")

    def __init__(self, folder: Path, hooks: dict[str, str] | None = None, **environment: str) -> None:
        self.folder = folder
        self.hooks = folder / "hooks"
        self.state = folder / "state"
        self.log = folder / "broker.log"
        self.hooks.mkdir(parents=True, exist_ok=True)
        for name, source in (hooks or {}).items():
            self.write(name, source)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KRAKENB_HOOKS_DIR": str(self.hooks),
            "KRAKENB_STATE_DIR": str(self.state),
            "KRAKENB_GRPC_HOST": "127.0.0.1:0",
            "KRAKENB_DEBUG": "1",
            "KRAKENB_REPLY_WAIT": _REPLY_WAIT,
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._client: Client | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def launch(self) -> Broker:
        """Start the process and return at once."""
        with self.log.open("ab") as output:
            self._seen = self.log.stat().st_size
            self.process = subprocess.Popen(
                [*self.program, "run"],
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self

    def start(self) -> Broker:
        """Start, and wait until it answers calls."""
        self.launch()
        ready = wait_until(self._ready, "broker.ready")
        self.port = ready["port"]
        return self

    def _ready(self) -> dict[str, Any] | None:
        assert self.process is not None
        assert self.process.poll() is None, f"the broker has ended:\n{self.log.read_text()}"
        found = list(self.lines("broker.ready", since=self._seen))
        return found[0] if found else None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop and wait. Returns the exit status."""
        self.disconnect()
        if self.process is None:
            return 0
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def kill(self) -> None:
        """kill -9."""
        self.stop(signal.SIGKILL)

    def disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = Client(self.port)
        return self._client

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def fork_server(self) -> int:
        """Process id of the process that forks workers."""
        (child,) = children(self.pid)
        return child

    @property
    def workers(self) -> list[int]:
        """Process ids of the workers that live now."""
        return children(self.fork_server)

    def write(self, name: str, source: str | bytes, mode: int = 0o644) -> Path:
        """A hook file, put there as careful programs do: written beside, then renamed over."""
        path = self.hooks / name
        fresh = self.hooks / f".{name}.new"
        fresh.write_bytes(source.encode() if isinstance(source, str) else source)
        fresh.chmod(mode)
        fresh.rename(path)
        return path

    def lines(self, event: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """Log lines so far, parsed; those of one event."""
        found = []
        for line in self.log.read_bytes()[since:].split(b"\n")[:-1]:
            if line.startswith(b"{"):
                parsed = json.loads(line)
                if event is None or parsed["event"] == event:
                    found.append(parsed)
        return found

    def wait_for(self, event: str, count: int = 1, patience: float = PATIENCE, **fields: Any) -> dict[str, Any]:
        """The `count`-th line of an event with these fields."""

        def found() -> Any:
            lines = [line for line in self.lines(event) if fields.items() <= line.items()]
            return lines[count - 1] if len(lines) >= count else None

        return wait_until(found, f"{event} {fields} in the log", patience)

    def query(self, statement: str, *values: Any) -> list[Any]:
        """Read from the broker's database."""
        connection = sqlite3.connect(f"file:{self.state / 'kraken.db'}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def count(self, table: str) -> int:
        return self.query(f"SELECT count(*) FROM {table}")[0][0]

    def command(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
        """A command of `kraken-hooks` with this broker's environment."""
        return subprocess.run(
            [sys.executable, "-m", "kraken_hooks", *arguments],
            env=self._environment,
            input=None if stdin is None else stdin.decode(),
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )


class SlackServer:
    """A local stand-in for Slack's webhook over a real socket. `script` holds answers to come: (status, headers, text); then 200."""

    def __init__(self, port: int = 0) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.script: list[tuple[int, dict[str, str], str]] = []
        self.paths: list[str] = []
        self.refuse: Callable[[dict[str, Any]], bool] = lambda _body: False  # answers 400 invalid_payload
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, headers, text = server.script.pop(0) if server.script else (200, {}, "ok")
                if server.refuse(body):
                    status, text = 400, "invalid_payload"
                server.times.append(time.monotonic())
                server.paths.append(self.path)
                if status == 0:  # hang up
                    self.close_connection = True
                    self.connection.close()
                    return
                if 200 <= status < 300:
                    server.bodies.append(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/hidden-part"

    @property
    def texts(self) -> list[str]:
        return [body["text"] for body in self.bodies]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def done(future: Future[Any]) -> Any:
    return future.result(PATIENCE)
