"""A credential as environment variables, under the names that the vendor's usual tools read."""

from collections.abc import Mapping

from jackfield.model.errors import Refused
from jackfield.model.secret import FieldValue, Secret
from jackfield.providers.contract.expression import Template
from jackfield.providers.contract.fields import rule_names
from jackfield.providers.contract.spec import Method, Provider
from jackfield.providers.contract.values import NOTHING


def variables(provider: Provider, method: Method, fields: Mapping[str, FieldValue]) -> dict[str, Secret]:
    """Variable → value, for the fields that hold one. Raises Refused when the method has no usual variables."""
    if not method.environment:
        raise Refused(
            f"No usual tool reads {provider.name} credentials ({method.name}) from its environment.",
            "Use the connection where it is supported.",
        )
    names = rule_names(method.id, fields)
    found: dict[str, Secret] = {}
    for variable, source in method.environment.items():
        template = source if isinstance(source, Template) else Template("{" + source + "}")
        value = template.render(names)
        if value is not NOTHING:
            found[variable] = Secret(str(value))
    return found
