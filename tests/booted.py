"""A throw-away copy of this machine with a real systemd as PID 1, for tests of the service.

This machine's own root is the lower layer of an overlay whose writes go to memory, so nothing has to be downloaded and
nothing of it is changed. systemd-nspawn boots it with a network of its own (loopback alone), in control groups of its
own. Needs root, mounts and Debian's systemd-container; where that is not to be had `CannotBoot` says why.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from rig import PATIENCE, wait_until

#: Where the system's own programs are: the copy has no use for a user's.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TOOLS = ("systemd-nspawn", "systemd-analyze", "nsenter", "mount")
#: What the package installer needs to be told about this machine's network.
_INSTALLER = ("PIP_", "SSL_CERT", "REQUESTS_CA", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class CannotBoot(Exception):
    """Not on this machine; the text says why."""


class BootedMachine:
    """`install` comes first, then `boot`; leaving the `with` ends everything."""

    def __init__(self, folder: Path, project: Path) -> None:
        """
        Args:
            folder: an empty directory of the test's own.
            project: the sources, which the machine finds in /usr/src/kraken-hooks.
        """
        self._folder = folder
        self._project = project
        self.root = folder / "machine"
        self._undo = ExitStack()
        self._pid1 = 0

    def __enter__(self) -> Self:
        missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
        if os.geteuid() != 0:
            raise CannotBoot("it needs root")
        if missing:
            raise CannotBoot(f"{', '.join(missing)} missing: apt-get install systemd-container dbus")
        with ExitStack() as undo:
            self._undo = undo
            self._lay_out()
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _lay_out(self) -> None:
        self._folder.mkdir(exist_ok=True)
        self._mount(self._folder, "-t", "tmpfs", "-o", "size=1g", "tmpfs")
        upper, work = self._folder / "upper", self._folder / "work"
        for place in (upper, work, self.root):
            place.mkdir()
        self._mount(self.root, "-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "overlay")
        for wants in ("multi-user.target.wants", "timers.target.wants"):
            for unit in (self.root / "etc/systemd/system" / wants).glob("*"):
                unit.unlink()  # what this machine itself runs
        (self.root / "etc/machine-id").write_text("")
        hidden = shutil.ignore_patterns(".*", "__pycache__", "build", "dist")
        shutil.copytree(self._project, self.root / "usr/src/kraken-hooks", ignore=hidden)

    def _mount(self, place: Path, *arguments: str) -> None:
        done = subprocess.run(["mount", *arguments, str(place)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotBoot(f"no mounts are allowed here: {done.stderr.strip()}")
        self._undo.callback(subprocess.run, ["umount", "--lazy", str(place)], check=True)

    # ── before it is booted ──

    def install(self, commands: list[str]) -> None:
        """Run shell commands as root in the project's directory, with this machine's network."""
        given = [f"--setenv={name}={value}" for name, value in os.environ.items() if name.startswith(_INSTALLER)]
        script = "\n".join(["set -eux", f"export PATH={PATH}", "cd /usr/src/kraken-hooks", *commands])
        done = subprocess.run(
            [*self._nspawn(), "--as-pid2", "--pipe", "--resolv-conf=off", *given, "/bin/sh", "-c", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10 * PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    def _nspawn(self) -> list[str]:
        """In control groups of its own, because there is no systemd outside that would make them."""
        groups = self._groups()
        joins = "".join(f"echo $$ > {group}/cgroup.procs; " for group in groups)
        nspawn = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--directory={self.root}"]
        # A container's own filter of system calls is tighter than a machine's: Landlock is not in it.
        nspawn.append("--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self")
        return ["/bin/sh", "-c", f'{joins}exec "$@"', "sh", *nspawn, f"--machine=kraken-test-{os.getpid()}"]

    def _groups(self) -> list[Path]:
        top = Path("/sys/fs/cgroup")
        tops = [place for place in (top / "systemd", top / "unified") if place.is_dir()] or [top]
        groups = [place / f"kraken-test-{os.getpid()}" for place in tops]
        for group in groups:
            if not group.exists():
                try:
                    group.mkdir()
                except OSError as error:
                    raise CannotBoot(f"no control groups are allowed here: {error}") from None
                self._undo.callback(_remove_group, group)
        return groups

    # ── with systemd ──

    def boot(self) -> None:
        """Returns when the machine is up."""
        output = self._folder / "nspawn.log"
        with output.open("wb") as log:
            nspawn = subprocess.Popen(
                [*self._nspawn(), "--boot", "--private-network", "--kill-signal=SIGRTMIN+3", "--console=passive"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._undo.callback(_end, nspawn)

        def up() -> bool:
            if nspawn.poll() is not None:
                raise CannotBoot(f"systemd-nspawn: {output.read_text(errors='replace')[-500:]}")
            self._pid1 = self._pid1 or _systemd_below(nspawn.pid)
            return bool(self._pid1) and self.run("systemctl is-system-running").stdout.strip() in (
                "running",
                "degraded",
            )

        wait_until(up, "systemd to be up")

    def run(self, command: str, *, timeout: float = 2 * PATIENCE) -> subprocess.CompletedProcess[str]:
        """A shell command in the booted machine, as root, in the project's directory."""
        return subprocess.run(
            [
                *("nsenter", "--target", str(self._pid1), "--all", "env", "-i", f"PATH={PATH}", "HOME=/root"),
                *("/bin/sh", "-c", f"cd /usr/src/kraken-hooks; {command}"),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def out(self, command: str) -> str:
        """What a command that has to go well prints on standard output."""
        done = self.run(command)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file in the booted machine."""
        self.out(
            f"mkdir -p {shlex.quote(str(Path(path).parent))} && umask 077 && printf %s {shlex.quote(text)} > {path}.new"
            f" && chmod {mode:o} {path}.new && mv {path}.new {path}"
        )


def _systemd_below(pid: int) -> int:
    """The child of nspawn that is the machine's PID 1; 0 while there is none."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # one of nspawn's own that has ended meanwhile
            for child in (task / "children").read_text().split():
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
    return 0


def _end(nspawn: subprocess.Popen[bytes]) -> None:
    nspawn.send_signal(signal.SIGTERM)
    try:
        nspawn.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        nspawn.kill()
        nspawn.wait()


def _remove_group(group: Path) -> None:
    """Control groups go away one by one, from below; a process that is just ending may hold one for a moment."""

    def removed() -> bool:
        below = sorted(group.rglob("*/"), key=lambda place: len(place.parts), reverse=True)
        for place in [place for place in below if place.is_dir()] + [group]:
            try:
                place.rmdir()
            except OSError:
                return False
        return True

    wait_until(removed, f"{group} to be empty")
