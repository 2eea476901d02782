"""What judges addresses does not pay for the HTTP client."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["address", "deadline", "failure", "trace", "tls", "network"])
def test_the_policy_modules_load_no_http_library(module: str) -> None:
    code = (
        f"import sys, jackfield.net.{module}; print([m for m in ('httpx', 'h11', 'cryptography') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
