"""Starts a server, watches its system calls on the data folder, and can kill it at exactly the nth of them.

`python -m tests.faults.tracer --data D [--at N | --record FILE] -- command …` starts the command and prints one JSON
line for each thing that happens. It attaches when it reads the line "attach" (or at once with --record).

strace can inject a signal too, but counts per thread, so with a thread pool the nth call of a process is out of its
reach; here the count is over all threads, and every number from 1 to the last is one crash point.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.faults import ptrace
from tests.faults.calls import Call, describe


@dataclass
class Tracer:
    """The loop around one traced process. All of it runs in one thread, as the kernel demands."""

    data: str
    at: int
    record: IO[bytes] | None
    pid: int = 0
    seen: int = 0
    _open: dict[int, Call | None] = field(default_factory=dict)
    _known: set[int] = field(default_factory=set)

    def attach(self) -> None:
        """Take hold of every thread of the process."""
        options = ptrace.TRACE_SYSGOOD | ptrace.TRACE_CLONE | ptrace.EXIT_KILL
        if self.record is not None:
            options |= ptrace.TRACE_FORK | ptrace.TRACE_VFORK
        while fresh := {int(name) for name in os.listdir(f"/proc/{self.pid}/task")} - self._known:  # noqa: PTH208
            for tid in fresh:
                self._known.add(tid)
                if ptrace.ptrace(ptrace.SEIZE, tid, data=options):
                    ptrace.ptrace(ptrace.INTERRUPT, tid)

    def loop(self) -> None:
        """Follow the process to its end."""
        while True:
            try:
                tid, status = os.waitpid(-1, ptrace.WALL)
            except ChildProcessError:
                return
            if os.WIFSTOPPED(status):
                self._stopped(tid, status)
            elif tid == self.pid:
                say(what="end", status=status, points=self.seen)
                return

    def _stopped(self, tid: int, status: int) -> None:
        number, event = os.WSTOPSIG(status), status >> 16
        deliver = 0
        if number == signal.SIGTRAP | 0x80:
            self._syscall(tid)
        elif event == ptrace.EVENT_STOP and number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            ptrace.ptrace(ptrace.LISTEN, tid)
            return
        elif event == 0:
            deliver = number
        ptrace.ptrace(ptrace.SYSCALL, tid, data=deliver)

    def _syscall(self, tid: int) -> None:
        info = ptrace.syscall_info(tid)
        if info is None:
            return
        if info.op == ptrace.ENTRY:
            call = describe(tid, info, self.data, with_content=self.record is not None)
            self._open[tid] = call
            if call is not None:
                self._entered(call)
        elif info.op == ptrace.EXIT:
            finished = self._open.pop(tid, None)
            if finished is not None and self.record is not None:
                pickle.dump(("exit", finished.number, info.result), self.record)

    def _entered(self, call: Call) -> None:
        self.seen += 1
        call.number = self.seen
        if self.record is not None:
            pickle.dump(("enter", call.number, call), self.record)
            self.record.flush()
            return
        path, target = (text.removeprefix(self.data) for text in (call.path, call.target))
        say(what="point", number=self.seen, call=call.name, path=path, target=target)
        if self.seen == self.at:
            os.killpg(self.pid, signal.SIGKILL)
            say(what="killed", number=self.seen)


def say(**fields: Any) -> None:
    """One line to whoever started the tracer."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main() -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.tracer")
    parser.add_argument("--data", required=True)
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("command", nargs="+")
    wishes = parser.parse_args()
    record = wishes.record.open("wb") if wishes.record else None
    tracer = Tracer(str(Path(wishes.data).resolve()), wishes.at, record)
    with wishes.log.open("ab") as log:
        # A group of its own: what is killed is the server, never the tracer.
        child = subprocess.Popen(
            wishes.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    tracer.pid = child.pid
    say(what="pid", pid=child.pid)
    if record is None and sys.stdin.readline().strip() != "attach":
        os.killpg(child.pid, signal.SIGKILL)
        return 0
    tracer.attach()
    say(what="attached")
    tracer.loop()
    if record is not None:
        record.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
