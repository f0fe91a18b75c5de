"""A network of two machines on this one: two network namespaces with a cable between them. Needs root and iproute2."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.needs import needs_root, requires

_count = itertools.count()


@dataclass
class Machine:
    """One of them: a name for `ip netns exec`, and its address."""

    name: str
    address: str
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, command: Sequence[str]) -> list[str]:
        """A command as it has to be started to run there."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(
        self, *command: str, stdin: str = "", environ: dict[str, str] | None = None, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a program there, to its end."""
        return subprocess.run(
            self.command(command),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, **(environ or {})},
        )

    def spawn(self, *command: str, log: Path, environ: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a program there; it ends with the network at the latest."""
        with log.open("ab") as out:
            process = subprocess.Popen(
                self.command(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **(environ or {})},
            )
        self._processes.append(process)
        return process

    def stop(self) -> None:
        """End what runs there."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait(10)
        self._processes.clear()


@contextlib.contextmanager
def two_machines() -> Iterator[tuple[Machine, Machine]]:
    """Two machines that see each other, and nobody else sees them."""
    needs_root()
    requires("ip", package="iproute2")
    mark = f"bd{os.getpid()}x{next(_count)}"
    here, there = Machine(f"{mark}a", "10.77.5.1"), Machine(f"{mark}b", "10.77.5.2")
    made: list[Machine] = []
    try:
        for machine in (here, there):
            _ip("netns", "add", machine.name)
            made.append(machine)
        # The names are those of cards, not of containers: a server does not announce itself by those.
        _ip("link", "add", "eth7", "netns", here.name, "type", "veth", "peer", "name", "eth7", "netns", there.name)
        for machine in (here, there):
            inside = ("-n", machine.name)
            _ip(*inside, "addr", "add", f"{machine.address}/24", "dev", "eth7")
            _ip(*inside, "link", "set", "lo", "up")
            _ip(*inside, "link", "set", "eth7", "up")
            _ip(*inside, "route", "add", "224.0.0.0/4", "dev", "eth7")
        yield here, there
    finally:
        for machine in made:
            machine.stop()
            subprocess.run(["ip", "netns", "del", machine.name], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        # Not a thing that can be installed: in many containers the kernel gives nobody the right.
        pytest.skip(f"network namespaces cannot be made here (ip {' '.join(arguments)}: {done.stderr.strip()})")
