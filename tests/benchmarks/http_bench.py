"""What the HTTP client costs: `python tests/benchmarks/http_bench.py`.

A thousand checks, 64 at once, of a vendor that takes 100 ms to answer; each makes its own client, as a real one does.
"""

import asyncio
import subprocess
import sys
import time

from jackfield.net.deadline import Deadline
from jackfield.net.http import HttpClient
from jackfield.net.network import Network
from jackfield.net.trace import Trace

CHECKS = 1000
AT_ONCE = 64
SERVER = """
import asyncio

BODY = b'{"id": "u1", "email": "ada@example.com"}'
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(BODY) + BODY

class Slow(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        asyncio.get_running_loop().call_later(0.1, self.transport.write, ANSWER)

async def main():
    server = await asyncio.get_running_loop().create_server(Slow, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


async def _measure(port: int) -> tuple[float, float, int]:
    network = Network(
        checks_per_host=AT_ONCE, checks_in_all=AT_ONCE, redirect={("api.vendor.example", 80): ("127.0.0.1", port)}
    )

    async def check() -> bool:
        async with (
            network.turn("api.vendor.example"),
            HttpClient(network, deadline=Deadline(), trace=Trace()) as client,
        ):
            reply = await client.request("GET", "http://api.vendor.example/user", headers={"authorization": "Bearer x"})
        return reply.status == 200

    await check()
    wall, cpu = time.perf_counter(), time.process_time()
    answered = await asyncio.gather(*(check() for _ in range(CHECKS)))
    return time.perf_counter() - wall, time.process_time() - cpu, sum(answered)


def main() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            wall, cpu, answered = asyncio.run(_measure(int(server.stdout.readline())))
        finally:
            server.terminate()
    print(f"{answered} checks, {AT_ONCE} at once: {wall:.2f} s; {cpu / CHECKS * 1000:.2f} ms of processor time each")


if __name__ == "__main__":
    main()
