"""The command line: every action as plain lines, or as JSON for scripts.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 a test failed, 2 usage,
3 locked or wrong passphrase, 4 not found, 5 refused.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jackfield.net.network import Network


def main(arguments: Sequence[str], *, network: "Callable[[], Network] | None" = None) -> int:
    """Run one command and give its exit code. `network` makes the way out that tests of connections take."""
    from jackfield.cli.commands import run

    return run(arguments, network)
