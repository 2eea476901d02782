"""Miniature servers of protocols other than HTTP: conversations on a loopback socket, in threads of their own."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from support.servers.room import HOST


class Wire:
    """One accepted connection, read exactly. Raises EOFError when the client leaves."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def secure(self, context: ssl.SSLContext) -> None:
        """Agree on TLS as the server; all that follows is encrypted."""
        self._socket = context.wrap_socket(self._socket, server_side=True)

    def close(self) -> None:
        self._socket.close()


class WireServer:
    """Answers each connection with `converse`. An error in it fails the test when the server closes."""

    def __init__(self, converse: Callable[[Wire], None]) -> None:
        self.connections = 0
        self._converse = converse
        self._errors: list[Exception] = []
        self._accepted: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="wire", daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._accepting.join(5)
        for accepted in self._accepted:
            with suppress(OSError):
                accepted.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        if self._errors and error is None:
            raise self._errors[0]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(20)
            self._accepted.append(connection)
            thread = threading.Thread(target=self._talk, args=(connection,), name="wire talk", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        wire = Wire(connection)
        try:
            self._converse(wire)
        except (EOFError, OSError):
            pass  # the client left
        except Exception as error:
            self._errors.append(error)
        finally:
            wire.close()
