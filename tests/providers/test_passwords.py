"""A password that somebody chose may begin or end with anything; it is kept as it was typed."""

import pytest

from jackfield.providers.contract.fields import normalise
from providers.contract import REGISTRY

CHOSEN = [
    (provider.slug, method.id, field.name)
    for provider in (REGISTRY.get(slug) for slug in REGISTRY.slugs())
    for method in provider.methods
    for field in method.fields
    if field.name in {"password", "passphrase"}
]


@pytest.mark.parametrize(("slug", "method", "name"), CHOSEN)
@pytest.mark.parametrize("password", [" begins and ends with a space ", '"quoted"', "'", "https://x/"])
def test_password_is_kept_to_the_letter(slug: str, method: str, name: str, password: str) -> None:
    (field,) = [field for field in REGISTRY.get(slug).method(method).fields if field.name == name]

    assert normalise(field, password).text == password
