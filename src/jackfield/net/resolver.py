"""Looking a name up without ever holding the program back."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses, best first. Raises OSError, as socket.getaddrinfo does."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's answer for `host`, in the order to try.

    Each look-up runs in a daemon thread of its own: one that hangs is left behind when the wait for it ends, and
    neither fills a shared pool nor delays the end of the program. Raises OSError where there is no answer.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def deliver(addresses: Sequence[str], error: OSError | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(addresses)
        else:
            answer.set_exception(error)

    def look_up() -> None:
        addresses: Sequence[str] = ()
        error: OSError | None = None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        except UnicodeError:  # a label that is too long or empty
            error = socket.gaierror(socket.EAI_NONAME, "not a host name")
        except OSError as failed:
            error = failed
        try:
            loop.call_soon_threadsafe(deliver, addresses, error)
        except RuntimeError:  # the loop ended while the look-up hung: nobody waits any more
            return

    threading.Thread(target=look_up, name="jackfield-resolve", daemon=True).start()
    return await answer
