"""What every test stands on: servers to ask for, a home of its own, and no skipping where everything is installed."""

import os
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("providers.contract")
pytest_plugins = ["support.servers.plugin"]

# For the long run: pytest --hypothesis-profile=long
settings.register_profile(
    "long", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_configure(config: pytest.Config) -> None:
    """What ldap3 calls elsewhere is old on every Python it runs on: no fault of this program."""
    for one in (
        r"(tag|type)Map is deprecated:DeprecationWarning:ldap3\.utils\.asn1",
        r"ssl\.match_hostname\(\) is deprecated:DeprecationWarning:ldap3\.core\.tls",
    ):
        config.addinivalue_line("filterwarnings", f"ignore:{one}")


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: tests wait for servers and terminals about as long as they compute."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(scope="session", autouse=True)
def _no_home_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reaches the vault or the keyring of whoever runs it, even by mistake."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACKFIELD_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("JACKFIELD_STATE", str(tmp_path_factory.mktemp("state")))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _refuse_skip((yield))


def _refuse_skip(report: Report) -> Report:
    """Where CI=true everything is installed, so a skip is a failure that says why it wanted to skip."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"skipped, which CI does not allow: {reason}"
    return report
