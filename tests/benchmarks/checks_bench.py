"""What whole checks cost: `python tests/benchmarks/checks_bench.py [--runs 3]`.

A thousand checks, 64 at once, of a vendor in another process that answers each request after 100 ms: every step from
the look-up to the judged permission, as the engine runs them, over plain HTTP and over TLS. Those that waited go on
over the connections of those before them, so that there are 64 handshakes and not a thousand. Then the same beside the
interface, in a thread as the engine's, and what a key costs meanwhile and at rest. Prints figures, and asserts none.
"""

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from jackfield.checks.request import CheckRequest
from jackfield.checks.run import run_check
from jackfield.model.check import Outcome
from jackfield.model.connection import IntendedUse
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.providers.contract.expression import Template
from jackfield.providers.contract.registry import Registry
from jackfield.services.engine import rare_collections
from support.terminal import KEYS, Terminal

CHECKS = 1000
AT_ONCE = 64
IDEAL = CHECKS / AT_ONCE * 0.1  # seconds
HOST = "openrouter.ai"  # its check is one request
SERVER = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from support.certificates import authority

BODY = b'{"data": {"label": "ci", "creator_user_id": "user_1", "is_management_key": true, "limit_remaining": null}}'
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(BODY) + BODY

class Slow(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        asyncio.get_running_loop().call_later(0.1, self.transport.write, ANSWER)

async def main():
    for tls in (None, authority().server_context(sys.argv[2])):
        server = await asyncio.get_running_loop().create_server(Slow, "127.0.0.1", 0, backlog=512, ssl=tls)
        print(server.sockets[0].getsockname()[1], end=" ")
        await server.start_serving()
    print(authority().ca_pem.encode().hex(), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
FACE = """
import asyncio, signal, sys, threading
from pathlib import Path
tests, port, secure_port, roots, home = sys.argv[1:]
sys.path[:0] = [tests, tests + "/benchmarks"]
import checks_bench
from support.face import Face, Rows, example_list
from jackfield.tui.widgets.key_bar import KeyBar

def check():
    vendor = checks_bench.Vendor(int(port), int(secure_port), bytes.fromhex(roots).decode())
    cost = asyncio.run(checks_bench.run(vendor.network(), 2 * checks_bench.CHECKS))
    Path(home, "new").write_text(f"{cost.wall} {cost.passed}")
    Path(home, "new").rename(Path(home, "cost"))

signal.signal(signal.SIGUSR1, lambda *_: threading.Thread(target=check).start())
listing = example_list()
Face(Path(home), listing, KeyBar("list.open"), ready=lambda face: listing.load(Rows(1000))).run()
"""


class Cost(NamedTuple):
    """Seconds of one run, and of processor time; checks that passed."""

    wall: float
    cpu: float
    passed: int


class Vendor(NamedTuple):
    """The slow vendor's ports, plain and with TLS, and the authority of its certificate in PEM."""

    port: int
    secure_port: int
    roots: str

    def network(self) -> Network:
        """A network without limits per host that knows this vendor only."""
        return Network(
            roots=self.roots,
            redirect={(HOST, 80): ("127.0.0.1", self.port), (HOST, 443): ("127.0.0.1", self.secure_port)},
            checks_per_host=AT_ONCE,
            checks_in_all=AT_ONCE,
        )


def request(scheme: str) -> CheckRequest:
    """One connection to be tested, with a use whose permission is judged."""
    registry = Registry()
    provider = registry.get("open-router").model_copy(update={"base_url": Template(f"{scheme}://{HOST}/api/v1")})
    return CheckRequest(
        provider,
        provider.method("api-key"),
        {"apiKey": Secret("sk-or-v1-" + "m" * 64)},
        (IntendedUse("secret-rotation/inference-keys", {}),),
        lambda name: registry.function("open-router", name),
        connection_name="under-test",
    )


async def run(network: Network, number: int, scheme: str = "http") -> Cost:
    """Run this many checks at once, as far as the network lets them."""
    one = request(scheme)
    await run_check(one, network)
    with rare_collections():
        wall, cpu = time.perf_counter(), time.process_time()
        results = await asyncio.gather(*(run_check(one, network) for _ in range(number)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(wall, cpu, sum(result.outcome is Outcome.PASSED for result in results))


def _keys(terminal: Terminal, number: int, home: Path | None = None) -> list[float]:
    """Milliseconds of single keys in the list: this many, or as many as there is time for until the checks are over."""
    costs = []
    while len(costs) < number and not (home and (home / "cost").exists()):
        costs.append(terminal.press(KEYS["down" if len(costs) % 20 < 10 else "up"], quiet=0.04).ms)
    return costs


def _beside_the_interface(vendor: Vendor) -> None:
    tests = str(Path(__file__).resolve().parents[1])
    with tempfile.TemporaryDirectory() as folder:
        home, roots = Path(folder), vendor.roots.encode().hex()
        command = [sys.executable, "-c", FACE, tests, str(vendor.port), str(vendor.secure_port), roots, folder]
        with Terminal(command, columns=120, lines=40) as terminal:
            terminal.wait_for("connection-00030")
            terminal.settle(0.5)
            rest = _keys(terminal, 40)
            os.kill(terminal.pid, signal.SIGUSR1)
            terminal.settle(0.2)
            busy = _keys(terminal, 1000, home)
        wall, passed = (float(word) for word in (home / "cost").read_text().split())
    rest_ms, busy_ms = statistics.median(rest), statistics.median(busy)
    print(
        f"{passed:.0f} checks passed in {wall:.2f} s, {wall / IDEAL / 2:.2f} of the ideal; {len(busy)} keys meanwhile"
    )
    print(
        f"\n| key | ms at rest | ms meanwhile | ratio |\n|---|---|---|---|\n| median | {rest_ms:.1f} | {busy_ms:.1f}",
        end="",
    )
    print(f" | {busy_ms / rest_ms:.2f} |\n| slowest of ten | {_slow(rest):.1f} | {_slow(busy):.1f}", end="")
    print(f" | {_slow(busy) / _slow(rest):.2f} |")


def _slow(costs: list[float]) -> float:
    return statistics.quantiles(costs, n=10)[-1]


@contextmanager
def slow_vendor() -> Iterator[Vendor]:
    """A vendor at work in a process of its own."""
    command = [sys.executable, "-c", SERVER, str(Path(__file__).resolve().parents[1]), HOST]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            port, secure_port, roots = server.stdout.readline().split()
            yield Vendor(int(port), int(secure_port), bytes.fromhex(roots).decode())
        finally:
            server.terminate()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with slow_vendor() as vendor:
        print(f"{CHECKS} checks, {AT_ONCE} at once: {IDEAL:.2f} s at best\n")
        print("| over | s | ratio | CPU ms a check | passed |\n|---|---|---|---|---|")
        for scheme in ("http", "https") * runs:
            cost = asyncio.run(run(vendor.network(), CHECKS, scheme))
            each = cost.cpu / CHECKS * 1000
            print(f"| {scheme} | {cost.wall:.2f} | {cost.wall / IDEAL:.2f} | {each:.2f} | {cost.passed} |")
        print("\nBeside the interface, over http:\n")
        _beside_the_interface(vendor)


if __name__ == "__main__":
    main()
