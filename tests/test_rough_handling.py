"""What happens to a broker in real life: stopped processes, vanished clients, storms of signals, odd names, a stuck log."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rig import PATIENCE, PROCESS, Broker, Client, wait_until

COUNT = """
from kraken_hooks import on, state, store

@on(collector="count")
def count(msg):
    store.write("count", {"n": state.incr("n")})
    return str(state.get("n"))
"""
SLEEP = """
import time
from kraken_hooks import on, store

@on(collector="sleep")
def sleep(msg):
    time.sleep(float(msg.text))
    store.write("slept", {"seconds": float(msg.text)})
    return "slept"
"""


def children(pid: int | str) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Asking:
    """Clients that ask for the count until they are told to stop; `found` holds every answer."""

    def __init__(self, port: int, clients: int = 4) -> None:
        self.found: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(port,)) for _ in range(clients)]
        self._errors: list[Exception] = []
        for thread in self._threads:
            thread.start()

    def _ask(self, port: int) -> None:
        client = Client(port)
        try:
            while not self._stop.is_set():
                self.found.append(client.send(collector="count").text)
        except grpc.RpcError as error:
            self._errors.append(error)
        finally:
            client.close()

    def more(self, answers: int = 50) -> None:
        before = len(self.found)
        wait_until(lambda: self._errors or len(self.found) > before + answers, "answers")
        assert not self._errors

    def stop(self, broker: Broker) -> None:
        """Every answered message ran once, or is a dead letter because its worker was killed in the middle of its run."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self._errors
        wait_until(lambda: broker.count("inbox") == 0, "acknowledged messages to end")
        killed = [line["hook"] for line in broker.lines("worker.died") if line["hook"]]
        assert broker.count("dead") == len(killed)
        assert broker.count("points") + len(killed) == len(self.found)
        counted = [int(text) for text in self.found if text]
        assert len(set(counted)) == len(counted)


@pytest.fixture
def asking(start):
    broker = start({"count.py": COUNT})
    clients = Asking(broker.port)
    clients.more()
    yield broker, clients
    clients.stop(broker)


class TestProcesses:
    def test_killed_workers_lose_nothing_under_load(self, asking):
        broker, clients = asking
        (forks,) = children(broker.pid)
        for _ in range(3):
            for worker in children(forks):
                os.kill(worker, signal.SIGKILL)
            clients.more()

    def test_a_stopped_worker_is_replaced(self, asking):
        broker, clients = asking
        (forks,) = children(broker.pid)
        for worker in children(forks):
            os.kill(worker, signal.SIGSTOP)
        broker.wait_for("worker.died")
        clients.more()

    def test_the_process_that_starts_workers_is_replaced_under_load(self, asking):
        broker, clients = asking
        (forks,) = children(broker.pid)
        workers = children(forks)
        os.kill(forks, signal.SIGKILL)
        broker.wait_for("worker.forkserver_died")
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        clients.more()

    def test_a_machine_that_gives_no_worker_is_told_in_plain_words(self, tmp_path):
        class NoWorkers(Broker):
            without = str(Path(__file__).parent / "walls" / "without.py")
            numbers = {"x86_64": "319", "aarch64": "279"}[platform.machine()]  # memfd_create
            program = (sys.executable, without, numbers, *Broker.program)

        broker = NoWorkers(tmp_path, {"count.py": COUNT}).launch()
        assert broker.process is not None
        assert broker.process.wait(PATIENCE) == 1
        assert broker.stop() == 1
        (failed,) = broker.lines("broker.failed")
        assert failed["reason"] == "no worker process can be started: Function not implemented"
        assert "kraken-hooks doctor" in failed["remedy"]
        assert "Traceback" not in broker.log.read_text()

    def test_workers_that_end_as_soon_as_they_are_ready_do_not_follow_each_other_without_a_pause(self, tmp_path):
        class NoTimer(Broker):
            without = str(Path(__file__).parent / "walls" / "without.py")
            numbers = {"x86_64": "38", "aarch64": "103"}[platform.machine()]  # setitimer
            program = (sys.executable, without, numbers, *Broker.program)

        with NoTimer(tmp_path, KRAKENB_WORKERS="1") as broker:
            broker.wait_for("worker.died", count=3)
            first, _, third = (datetime.fromisoformat(line["timestamp"]) for line in broker.lines("worker.died")[:3])
        assert (third - first).total_seconds() > 0.9

    def test_a_storm_of_sighup_and_of_saved_files_disturbs_nobody(self, asking):
        broker, clients = asking
        for number in range(60):
            os.kill(broker.pid, signal.SIGHUP)
            broker.write(
                "other.py", f"# {number}\n{COUNT.replace('collector=', 'kind=') if number % 3 == 0 else SLEEP}"
            )
        clients.more(100)

    def test_signals_that_come_until_the_process_has_ended_disturb_no_stop(self, start):
        broker = start({"count.py": COUNT})
        process = broker.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        while process.poll() is None:
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.001)
        assert process.returncode == 0
        assert broker.lines()[-1]["event"] == "broker.stopped"
        assert [line for line in broker.lines() if line["level"] == "error"] == []


class TestClients:
    def test_a_call_that_is_cancelled_leaves_a_whole_message(self, start):
        broker = start({"sleep.py": SLEEP})
        for call in [broker.client.send_soon("0.2", collector="sleep") for _ in range(5)]:
            broker.client.send("x", collector="nobody")  # what was sent before has been taken in
            call.cancel()
        assert broker.client.send("0", collector="sleep").text == "slept"
        assert broker.count("points") in range(1, 7)
        assert broker.count("inbox") == broker.count("dead") == 0

    def test_a_client_whose_deadline_is_too_short(self, start):
        broker = start({"sleep.py": SLEEP})
        broker.client.send("x", collector="nobody")  # connected: what is sent now arrives within its deadline
        with pytest.raises(grpc.RpcError) as caught:
            broker.client.send("1.5", collector="sleep", timeout=1)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        wait_until(lambda: broker.count("points") == 1, "the run to end and be kept")

    def test_3000_calls_at_once(self, start):
        broker = start({"count.py": COUNT})
        calls = [broker.client.send_soon(collector="count") for _ in range(3000)]
        for call in calls:
            call.result(PATIENCE)
        wait_until(lambda: broker.count("inbox") == 0, "acknowledged messages to end")
        assert broker.count("points") == 3000

    def test_compressed_messages(self, start):
        broker = start({"count.py": COUNT})
        call = broker.client.channel.unary_unary(PROCESS)
        request = Client.request("count", "x" * 10_000, "text/plain", "{}")
        assert b"count" in call(request, compression=grpc.Compression.Gzip, timeout=PATIENCE)

    def test_health_is_watched_until_the_stop(self, start):
        broker = start({"count.py": COUNT})
        stub = health_pb2_grpc.HealthStub(broker.client.channel)
        states = stub.Watch(health_pb2.HealthCheckRequest(service=""), timeout=PATIENCE)
        assert next(states).status == health_pb2.HealthCheckResponse.SERVING
        assert broker.process is not None
        broker.process.terminate()
        assert next(states).status == health_pb2.HealthCheckResponse.NOT_SERVING


class TestMetadata:
    @pytest.mark.parametrize(
        "metadata",
        ['{"a":1,"a":2}', '{"a":' + "9" * 400 + "}", '{"":null}', '{"a":"' + "x" * 100_000 + '"}', '{"a":1e308}'],
        ids=["duplicate keys", "a huge number", "an empty key", "long", "large"],
    )
    def test_odd_but_json(self, start, metadata):
        source = "from kraken_hooks import on\n@on(metadata={'nothing': '*'})\ndef a(msg): pass\n@on()\ndef b(msg): return str(len(msg.metadata))\n"
        assert start({"a.py": source}).client.send(metadata=metadata).text == "1"

    def test_nested_too_deep_is_refused(self, start):
        with pytest.raises(grpc.RpcError) as caught:
            start({}).client.send(metadata='{"a":' * 100_000 + "1" + "}" * 100_000)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


class TestStop:
    def test_slow_hooks_do_not_hold_it_up_and_their_messages_are_kept(self, start):
        broker = start({"sleep.py": SLEEP}, KRAKENB_REPLY_WAIT="60", KRAKENB_HOOK_TIMEOUT="60")
        calls = [broker.client.send_soon("30", collector="sleep") for _ in range(3)]
        wait_until(lambda: len(broker.lines("worker.isolated")) == 1, "the slow run to go on")
        broker.client.send("x", collector="nobody")  # what was sent before has been taken in
        assert broker.process is not None
        began = time.monotonic()
        broker.process.send_signal(signal.SIGTERM)
        broker.process.send_signal(signal.SIGTERM)
        for call in calls:
            assert b'"accepted"' in call.result(PATIENCE)
        assert broker.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 5
        assert broker.count("inbox") == 3

    def test_under_load_everything_answered_is_kept(self, start):
        broker = start({"count.py": COUNT})
        clients = Asking(broker.port)
        clients.more()
        assert broker.stop() == 0
        for thread in clients._threads:
            thread.join()
        assert broker.count("points") + broker.count("inbox") >= len(clients.found)


class TestPlaces:
    def test_two_brokers_on_one_state_directory(self, start):
        broker = start({"count.py": COUNT})
        second = broker.command("run", "--host", "127.0.0.1:0")
        assert second.returncode == 1
        assert f"another broker runs on the state directory {broker.state}" in second.stdout
        assert broker.client.send(collector="count").text == "1"

    def test_names_of_hook_files(self, start):
        long = "x" * 252 + ".py"
        broker = start({"count.py": COUNT, "a:b.py": SLEEP, "naïve rule 1.py": SLEEP})
        (broker.hooks / long).write_text(COUNT.replace('"count"', '"long"'))
        assert "colon" in broker.wait_for("hook.refused", file="a:b.py")["reason"]
        (broker.hooks / "line\nfeed.py").write_text(SLEEP)
        (broker.hooks / os.fsdecode(b"\xff.py")).write_text(SLEEP)
        broker.wait_for("hook.refused", file="line\\nfeed.py")
        broker.wait_for("hook.refused", file="\\udcff.py")
        assert broker.client.send("0", collector="sleep").metadata["source_broker"] == "naïve rule 1.py:sleep"
        broker.wait_for("hook.loaded", file=long)
        assert broker.client.send(collector="long").text == "1"

    def test_200_hook_files_at_once(self, start):
        broker = start({"count.py": COUNT})
        for number in range(200):
            broker.write(f"f{number}.py", COUNT.replace('"count"', f'"c{number}"'))
        for number in (199, *range(0, 200, 37)):
            wait_until(
                lambda number=number: broker.client.send(collector=f"c{number}").text, f"f{number}.py", patience=60
            )
        assert not broker.lines("hook.load_failed")

    def test_without_a_home_directory(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "kraken_hooks", "run", "--state-dir", str(tmp_path / "s"), "--hooks", str(tmp_path), "--host", "x"],
            env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr

    def test_with_a_narrow_umask(self, tmp_path):
        broker = Broker(tmp_path, {"count.py": COUNT})
        before = os.umask(0o077)
        try:
            with broker:
                assert broker.client.send(collector="count").text == "1"
        finally:
            os.umask(before)


class TestLog:
    def test_a_reader_that_does_not_read_stops_nobody(self, tmp_path):
        broker = Broker(tmp_path, {"count.py": COUNT})
        broker._environment["KRAKENB_GRPC_HOST"] = "127.0.0.1:0"
        process = subprocess.Popen(
            [sys.executable, "-m", "kraken_hooks", "run"], env=broker._environment, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        try:
            ready: dict = {}
            while ready.get("event") != "broker.ready":
                ready = json.loads(process.stdout.readline())
            client = Client(ready["port"])
            for number in range(1, 1001):  # a line each, more than the pipe holds, and nobody reads
                assert client.send(collector="count").kind in ("count", "accepted"), number
            found: list[dict] = []
            reading = threading.Thread(target=lambda: found.extend(map(json.loads, process.stdout)), daemon=True)
            reading.start()

            def told() -> bool:
                client.send(collector="nobody")
                return any(line["event"] == "log.dropped" and line["lines"] > 0 for line in list(found))

            wait_until(told, "the line that counts what was dropped")
            client.close()
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0
