"""The one request by which a browser brings a login back to this machine (RFC 8252)."""

import asyncio
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

import h11

_HEAD_SECONDS: Final = 5.0  # a browser that opens a connection in advance may never use it
_PAGE: Final = """<!doctype html><meta charset="utf-8"><title>Jackfield</title>
<p>{text} You can close this page and go back to the terminal.</p>
"""


class LoopbackListener:
    """Listens on 127.0.0.1, on a port nobody else has, until one request brings an authorization answer.

    Everything else (icons, other paths, other verbs) is answered 404 and waited past.
    """

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", 0, limit=16 * 1024)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._arrived.cancel()

    @property
    def address(self) -> str:
        """Where the browser is to be sent back to; without a path, so that it matches what was registered."""
        if self._server is None:
            msg = "not listening"
            raise RuntimeError(msg)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def answer(self) -> str:
        """The whole address the browser came back with. Nothing listens any more when this returns."""
        target = await asyncio.shield(self._arrived)
        if self._server is not None:
            self._server.close()
        return target

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                request = await _read_head(connection, reader)
            if request is not None:
                status, text = self._receive(request)
                writer.write(_page(connection, status, text))
                await writer.drain()
        except (OSError, TimeoutError, h11.ProtocolError, ValueError):
            return  # not a browser, or one that left, or what it asks for is no address
        finally:
            writer.close()

    def _receive(self, request: h11.Request) -> tuple[int, str]:
        target = request.target.decode("ascii")
        parts = urlsplit(target)
        named = parse_qs(parts.query)
        if request.method != b"GET" or parts.path != "/" or not ({"code", "error"} & named.keys()):
            return 404, "Nothing is here."
        if self._arrived.done():
            return 410, "This login has its answer already."
        self._arrived.set_result(f"{self.address}{target}")
        return 200, "The login was refused." if "error" in named else "The answer has arrived."


async def _read_head(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(4096))
        else:
            return event if isinstance(event, h11.Request) else None


def _page(connection: h11.Connection, status: int, text: str) -> bytes:
    body = _PAGE.format(text=text).encode()
    headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-length", str(len(body))),
        ("content-security-policy", "default-src 'none'"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("connection", "close"),
    ]
    parts = (
        connection.send(h11.Response(status_code=status, headers=headers)),
        connection.send(h11.Data(data=body)),
        connection.send(h11.EndOfMessage()),
    )
    return b"".join(part or b"" for part in parts)
