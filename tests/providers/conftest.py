"""Turns a provider file into the parameters of the contract suite."""

import pytest

from providers.contract import REGISTRY, ProviderContract, fits


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    cls = metafunc.cls
    if cls is None or not issubclass(cls, ProviderContract) or not hasattr(cls, "slug"):
        return
    provider = REGISTRY.get(cls.slug)
    methods = [method.id for method in provider.methods]
    if "method_id" in metafunc.fixturenames:
        metafunc.parametrize("method_id", methods)
    if "permission_case" in metafunc.fixturenames:
        cases = [
            (method, use.id, permission.name.text)
            for method in methods
            for use in provider.uses
            if fits(provider, use.id, method)
            for permission in use.permissions
        ]
        metafunc.parametrize("permission_case", cases, ids=[" · ".join(case) for case in cases])
    if "failure_case" in metafunc.fixturenames:
        failures = [(failure.id, method) for failure in provider.failures for method in methods]
        metafunc.parametrize("failure_case", failures, ids=[" · ".join(case) for case in failures])
