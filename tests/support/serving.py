"""Servers for tests on real sockets: a thread that accepts, and one for each conversation."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass(slots=True)
class Place:
    """Where a server is, and what it saw.

    `reached` is set when a client has connected, `received` what clients sent (after TLS, where there is some),
    `stopping` when the server is to end.
    """

    port: int
    reached: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)
    received: bytearray = field(default_factory=bytearray)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


Conversation = Callable[[socket.socket, Place], None]


@contextlib.contextmanager
def serves(conversation: Conversation, *, tls: ssl.SSLContext | None = None) -> Iterator[Place]:
    """A server that holds `conversation` with each client, in a thread each, and closes afterwards."""
    listening = socket.create_server((HOST, 0))
    place = Place(listening.getsockname()[1])
    open_sockets: list[socket.socket] = []

    def talk(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if tls is None:
                place.reached.set()
                conversation(client, place)
                return
            with tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False) as secured:
                open_sockets.append(secured)
                secured.do_handshake()
                place.reached.set()
                conversation(secured, place)

    def accept() -> None:
        talks = []
        with contextlib.suppress(OSError):
            while not place.stopping.is_set():
                client, _ = listening.accept()
                client.settimeout(10)
                open_sockets.append(client)
                talks.append(threading.Thread(target=talk, args=(client,), daemon=True))
                talks[-1].start()
        for thread in talks:
            thread.join(10)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield place
    finally:
        place.stopping.set()
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for client in open_sockets:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        accepting.join(10)
