"""Servers on loopback that go wrong in one way each. Every one is a context manager that gives its `Place`."""

import contextlib
import gzip
import socket
import ssl
from collections.abc import Iterator

from support.serving import HOST, Place, serves


def answers(data: bytes, *, tls: ssl.SSLContext | None = None) -> contextlib.AbstractContextManager[Place]:
    """Reads one request head and sends exactly `data`."""

    def conversation(client: socket.socket, place: Place) -> None:
        read_head(client, place)
        client.sendall(data)

    return serves(conversation, tls=tls)


def answer(body: bytes, content_type: str = "application/json", *headers: str, status: str = "200 OK") -> bytes:
    """The bytes of a whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def read_head(client: socket.socket, place: Place) -> None:
    while b"\r\n\r\n" not in place.received:
        data = client.recv(65536)
        if not data:
            return
        place.received += data


@contextlib.contextmanager
def refuses() -> Iterator[Place]:
    """A port that is taken, so that nobody else gets it, and where nothing listens."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield Place(taken.getsockname()[1])


@contextlib.contextmanager
def swallows() -> Iterator[Place]:
    """A port whose queue is full: the system drops what asks for a connection, and nobody ever answers."""
    with socket.socket() as listening, contextlib.ExitStack() as waiting:
        listening.bind((HOST, 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((HOST, port))
        yield Place(port)


def hangs(tls: ssl.SSLContext | None = None) -> contextlib.AbstractContextManager[Place]:
    """Accepts, and says nothing until the test ends."""

    def conversation(client: socket.socket, place: Place) -> None:
        place.stopping.wait(30)

    return serves(conversation, tls=tls)


def resets() -> contextlib.AbstractContextManager[Place]:
    """Reads a request and resets the connection."""

    def conversation(client: socket.socket, place: Place) -> None:
        read_head(client, place)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    return serves(conversation)


def half_closed() -> contextlib.AbstractContextManager[Place]:
    """Promises a body, sends a part of it, ends its side and keeps the socket."""

    def conversation(client: socket.socket, place: Place) -> None:
        read_head(client, place)
        client.sendall(answer(b"x" * 100)[:-50])
        client.shutdown(socket.SHUT_WR)
        place.stopping.wait(30)

    return serves(conversation)


def drips() -> contextlib.AbstractContextManager[Place]:
    """Starts an endless answer and then sends a byte each time the client might lose patience."""

    def conversation(client: socket.socket, place: Place) -> None:
        read_head(client, place)
        client.sendall(answer(b"")[:-2].replace(b"Content-Length: 0", b"Content-Length: 1000000") + b"\r\n")
        while not place.stopping.wait(0.01):
            client.sendall(b" ")

    return serves(conversation)


def endless_head() -> contextlib.AbstractContextManager[Place]:
    """Goes on with one header after the other, each in time."""

    def conversation(client: socket.socket, place: Place) -> None:
        read_head(client, place)
        client.sendall(b"HTTP/1.1 200 OK\r\n")
        while not place.stopping.wait(0.01):
            client.sendall(b"X-More: and more\r\n")

    return serves(conversation)


def endless_body(*headers: str) -> contextlib.AbstractContextManager[Place]:
    """Sends chunk after chunk as fast as it can, and never the last one."""

    def conversation(client: socket.socket, place: Place) -> None:
        read_head(client, place)
        lines = ["HTTP/1.1 200 OK", "Content-Type: application/json", "Transfer-Encoding: chunked", *headers, "", ""]
        client.sendall("\r\n".join(lines).encode())
        while not place.stopping.is_set():
            client.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")

    return serves(conversation)


def garbage() -> contextlib.AbstractContextManager[Place]:
    """Answers something that is not HTTP."""
    return answers(b"-ERR unknown command 'GET'\r\n" * 4)


def closes() -> contextlib.AbstractContextManager[Place]:
    """Reads a request and closes without a word."""
    return answers(b"")


def hangs_up() -> contextlib.AbstractContextManager[Place]:
    """Takes the first bytes, whatever they are, and closes."""

    def conversation(client: socket.socket, place: Place) -> None:
        place.received += client.recv(65536)

    return serves(conversation)


def html200() -> contextlib.AbstractContextManager[Place]:
    """A captive portal: 200, and a page."""
    return answers(answer(b"<html><title>Sign in to the guest network</title></html>", "text/html; charset=utf-8"))


def redirects(location: str) -> contextlib.AbstractContextManager[Place]:
    return answers(answer(b"", "text/plain", f"Location: {location}", status="302 Found"))


def huge(size: int = 10 * 1024 * 1024) -> contextlib.AbstractContextManager[Place]:
    """A JSON answer of 10 MiB."""
    return answers(answer(b'"' + b"x" * size + b'"'))


def gzip_bomb(size: int = 64 * 1024 * 1024) -> contextlib.AbstractContextManager[Place]:
    """A small answer that unpacks to 64 MiB."""
    return answers(answer(gzip.compress(b"\x00" * size, 1), "application/json", "Content-Encoding: gzip"))


def deep_json(depth: int) -> contextlib.AbstractContextManager[Place]:
    return answers(answer(b"[" * depth + b"]" * depth))


def escape_sequences() -> contextlib.AbstractContextManager[Place]:
    """JSON and headers that try to steer a terminal."""
    body = b'{"na\\u001b[31mme": "\\u001b]0;owned\\u0007\\u202eevil\\u009b2J\\nsecond line"}'
    return answers(answer(body, "application/json", "X-Request-Id: a\x1b[2Jb".replace("\x1b", "\t")))


def large_head(size: int = 80 * 1024) -> contextlib.AbstractContextManager[Place]:
    return answers(answer(b"{}", "application/json", f"X-Long: {'x' * size}"))


def plain_text(banner: bytes = b"220 mail.example ESMTP\r\n") -> contextlib.AbstractContextManager[Place]:
    """Speaks first and in plain text, where TLS was expected."""

    def conversation(client: socket.socket, place: Place) -> None:
        client.sendall(banner)
        place.received += client.recv(65536)

    return serves(conversation)


def bad_tls(context: ssl.SSLContext) -> contextlib.AbstractContextManager[Place]:
    """Offers `context` and keeps every byte that comes once TLS is agreed."""

    def conversation(client: socket.socket, place: Place) -> None:
        while data := client.recv(65536):
            place.received += data

    return serves(conversation, tls=context)
