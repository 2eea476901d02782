"""What the HTTP client costs: `python tests/benchmarks/http_bench.py`.

A thousand checks, 64 at once, of a vendor that takes 100 ms to answer; each makes its own client, as a real one does.
"""

import asyncio
import time

from checks_bench import AT_ONCE, CHECKS, HOST, Vendor, slow_vendor

from jackfield.net.deadline import Deadline
from jackfield.net.http import HttpClient
from jackfield.net.trace import Trace


async def _measure(vendor: Vendor) -> tuple[float, float, int]:
    network = vendor.network()

    async def check() -> bool:
        async with (
            network.turn(HOST),
            HttpClient(network, deadline=Deadline(), trace=Trace()) as client,
        ):
            reply = await client.request("GET", f"http://{HOST}/user", headers={"authorization": "Bearer x"})
        return reply.status == 200

    await check()
    wall, cpu = time.perf_counter(), time.process_time()
    answered = await asyncio.gather(*(check() for _ in range(CHECKS)))
    return time.perf_counter() - wall, time.process_time() - cpu, sum(answered)


def main() -> None:
    """Measure and print."""
    with slow_vendor() as vendor:
        wall, cpu, answered = asyncio.run(_measure(vendor))
    print(f"{answered} checks, {AT_ONCE} at once: {wall:.2f} s; {cpu / CHECKS * 1000:.2f} ms of processor time each")


if __name__ == "__main__":
    main()
