"""asyncmy over a socket of ours, upgraded to TLS as every other check's.

By itself asyncmy looks names up again; given a socket, it would begin with TLS, which no MySQL server does.
"""

import asyncio
import socket
import struct
from functools import cache
from typing import Any, Final

from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.sql import SqlRefusal

_TLS, _MULTI_RESULTS, _NO_EOF = 0x800, 0x20000, 0x1000000  # capabilities
_PROTOCOL: Final = 10  # the first byte of every server's greeting
_UTF8MB4: Final = 45
_LARGEST_PACKET: Final = 1 << 24


def judged_connection(call: Call, route: Route, connected: socket.socket) -> Any:
    """A connection of asyncmy, not logged in yet. Its login raises SqlRefusal `not-mysql` or `no-tls` too."""
    connection = _connection_class()(
        host=route.host, sock=connected, user=call.text("username"), password=call.text("password").encode(),
        database=call.text("database"), charset="utf8mb4", autocommit=None, program_name="jackfield",
    )  # fmt: skip
    connection.upgrade_by = route if call.tls is not None else None
    return connection


@cache
def _connection_class() -> Any:  # long, because the class it holds needs the driver, which is imported late
    import asyncmy.connection
    from asyncmy.errors import InternalError

    driver: Any = asyncmy.connection.Connection  # its stub leaves out what is overridden here

    class JudgedConnection(driver):  # type: ignore[misc]  # see above
        upgrade_by: Route | None = None
        _transport: Any
        _proto: Any
        _writer: asyncio.StreamWriter | None = None

        def hang_up(self) -> None:
            """End the connection at once, without the farewell of TLS."""
            self.close()
            if self._writer is not None:
                self._writer.transport.abort()

        async def _get_server_information(self) -> None:
            try:
                await super()._get_server_information()
            except (InternalError, IndexError, ValueError, struct.error) as error:
                if isinstance(error, InternalError) and len(error.args) > 1:
                    raise  # the server's own number
                raise SqlRefusal("not-mysql") from None
            if self.protocol_version != _PROTOCOL:
                raise SqlRefusal("not-mysql")

        async def _request_authentication(self) -> object:
            if self.upgrade_by is not None:
                await self._upgrade(self.upgrade_by)
            return await super()._request_authentication()

        async def _upgrade(self, route: Route) -> None:
            if not self.server_capabilities & _TLS:
                raise SqlRefusal("no-tls")
            # The server keeps what the TLS request says, so the login after it must say the same.
            self._client_flag |= _TLS | _MULTI_RESULTS
            self.server_capabilities &= ~_NO_EOF
            self.write_packet(struct.pack("<IIB23x", self._client_flag, _LARGEST_PACKET, _UTF8MB4))
            self._transport.pause_reading()
            bare = self._transport.get_extra_info("socket").dup()
            self._transport.close()
            _, self._writer = await route.secure(bare)
            self._proto = type(self._proto)(self._loop)
            self._transport = self._writer.transport
            self._transport.set_protocol(self._proto)
            self._proto.connection_made(self._transport)
            # What asyncmy sets for a TLS of its caller's: a password may cross it as it is.
            self._ssl_context = await route.tls_context()
            self._tls_established = self._secure = True

    return JudgedConnection
