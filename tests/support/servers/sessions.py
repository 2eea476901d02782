"""Ending, at the server, the sessions that this process has there; other workers' sessions go on."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from support.servers.room import end_process


def kill_sessions(port: int) -> None:
    """Kill the processes of a server on this machine that serve connections of this process, and wait for their end.

    For servers with a process for each session. It takes root to look into processes of others.
    """
    lines = {f"{port:04X}:{client:04X}" for client in _ports_to(port)}
    assert lines, f"nobody here is connected to port {port}"
    for ended in [end_process(pid, signal.SIGTERM) for pid in _holders(set(_inodes(lines)))]:
        ended()


def _ports_to(port: int) -> Iterator[int]:
    """The local ports of this process's connections to `port`."""
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(file.name))) as line:
            if line.family == socket.AF_INET and line.getpeername()[1] == port:
                yield line.getsockname()[1]


def _inodes(lines: set[str]) -> Iterator[str]:
    """The kernel's numbers of these sockets; `lines` are local and remote port in hexadecimal."""
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = row.split()
        if ":".join(address.rpartition(":")[2] for address in columns[1:3]) in lines:
            yield columns[9]


def _holders(inodes: set[str]) -> set[int]:
    """The processes that have one of these sockets open."""
    targets = {f"socket:[{inode}]" for inode in inodes}
    found = set()
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and any(str(file.readlink()) in targets for file in (folder / "fd").iterdir()):
                found.add(int(folder.name))
    return found
