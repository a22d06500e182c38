"""Every error that crosses a module's border, by whose fault it is.

`grpc_status` (a name of `grpc.StatusCode`), `exit_code` and `remedy` are attributes of the class, so that every door
(gRPC, command line, log) says the same. Texts are written for the engineer of the greenhouse.
"""

from __future__ import annotations

from typing import ClassVar


class KrakenError(Exception):
    """Base of all of them. Never raised itself."""

    grpc_status: ClassVar[str] = "UNAVAILABLE"
    exit_code: ClassVar[int] = 1
    remedy: ClassVar[str] = "See the log: journalctl -u kraken-hooks -p warning"


# ── the collector's fault ──────────────────────────────────────────────────────────────────────────────────────────


class BadMessage(KrakenError):
    """The collector sent something that is no message: metadata that is not a JSON object, no collector name."""

    grpc_status = "INVALID_ARGUMENT"
    remedy = "Send a collector name, and metadata that is a JSON object or empty."


# ── the hook author's fault ────────────────────────────────────────────────────────────────────────────────────────


class HookLoadError(KrakenError):
    """A hook file cannot be loaded. The problems say where and why."""

    remedy = "Run `kraken-hooks check FILE` and mend what it points at."


class HookUsageError(KrakenError, ValueError):
    """A hook called the author's API with something that it cannot take. Shows at the hook's own line."""

    remedy = "Mend the hook at the line that the error names."


class SinkNotConfigured(HookUsageError):
    """A hook used a sink or query whose settings are missing; the text names the variable to set."""

    remedy = "Set the named variable in /etc/kraken/kraken-hooks.env and restart."


# ── a sink's fault ─────────────────────────────────────────────────────────────────────────────────────────────────


class QueryFailed(KrakenError):
    """A sink did not answer a query, or refused it. Fails the run that asked, at its own line; holds no secret."""

    remedy = "See whether the sink is up, and what it says of the query."


# ── a worker's fault ───────────────────────────────────────────────────────────────────────────────────────────────


class WorkerProtocolError(KrakenError):
    """A worker sent something that no honest worker sends. It is killed."""

    remedy = "If it comes again, report it: a hook may be trying to break out."


class Unstorable(KrakenError):
    """A run asks for a value that the storage has no form for. Nothing of it was kept."""

    remedy = "The run is kept as a dead letter; mend the hook and replay it."


# ── the operator's fault ───────────────────────────────────────────────────────────────────────────────────────────


class SettingsError(KrakenError):
    """The configuration is wrong. `problems` has one line for each, naming the variable."""

    exit_code = 78  # EX_CONFIG of sysexits.h: systemd does not restart
    remedy = "Correct the named variables."

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class LockdownMissing(KrakenError):
    """KRAKENB_REQUIRE_LOCKDOWN is set, and the kernel cannot lock workers down in full; the text names what is missing."""

    exit_code = 78
    remedy = "See kraken-hooks doctor; use a kernel that has the named parts, or unset KRAKENB_REQUIRE_LOCKDOWN."


class WorkersUnavailable(KrakenError):
    """No worker process can be started."""

    remedy = "See whether memory or processes are used up (free, ulimit -u), and kraken-hooks doctor."


class StorageUnavailable(KrakenError):
    """The state directory cannot take a write now: disk full, read-only, failing. Nothing of the batch was kept."""

    grpc_status = "UNAVAILABLE"
    remedy = "See that the state directory has room and may be written; a running broker goes on by itself."


class StorageDamaged(KrakenError):
    """The database in the state directory turns out to be damaged. The broker ends; its next start saves what can be read."""

    grpc_status = "UNAVAILABLE"
    exit_code = 1  # systemd starts it again
    remedy = "Start the broker again: it keeps the damaged file and goes on with what can be read. Look at the disk."


class StorageGone(StorageDamaged):
    """The database's files were deleted or replaced while the broker had them open: what it writes, nobody would find again."""

    remedy = "Start the broker again: it goes on with what is there now. Only the broker may touch its state directory."


class StorageUnusable(KrakenError):
    """The database in the state directory is not this program's: another one's, or one that a newer version has written."""

    exit_code = 78
    remedy = "Choose another KRAKENB_STATE_DIR, or install the newer version."


class StateInUse(KrakenError):
    """Another broker runs on the same state directory."""

    remedy = "Stop the other one, or give this one a directory of its own: KRAKENB_STATE_DIR."


class QueueFull(KrakenError):
    """Inbox and outbox have reached KRAKENB_OUTBOX_MAX_MB. Nothing already accepted is dropped."""

    grpc_status = "RESOURCE_EXHAUSTED"
    remedy = "Bring the sink back (see sink.down in the log), or raise KRAKENB_OUTBOX_MAX_MB."


class Overloaded(KrakenError):
    """Messages that are being handled, and that wait for it, take as much memory as they may."""

    grpc_status = "RESOURCE_EXHAUSTED"
    remedy = "Send it again in a moment, and not so much at once."


class Stopping(KrakenError):
    """The broker is stopping and takes no new messages."""

    grpc_status = "UNAVAILABLE"
    remedy = "Send again when the broker is back."


class UnknownSink(KrakenError):
    """A command names a sink that is not configured, or that needs no delivery."""

    remedy = "See the sinks that there are with `kraken-hooks status`."


class NotRunning(KrakenError):
    """A command needs a running broker, and none runs with this state directory."""

    remedy = "Start it, or say which state directory it has: --state-dir (under systemd /var/lib/kraken)."


class AddressInUse(KrakenError):
    """The port is taken and stayed taken."""

    exit_code = 1
    remedy = "See who holds the port: ss -ltnp; or set KRAKENB_GRPC_HOST."
