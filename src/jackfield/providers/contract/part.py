"""The small parts every provider file is made of: rules, templates, names, and the strict base of each section."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler
from pydantic import Field as Declared
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from jackfield.providers.contract.expression import Expression, Template


class _FromText:
    """Lets pydantic read a rule or template class from a YAML scalar."""

    def __init__(self, kind: type) -> None:
        self.kind = kind

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: object) -> JsonSchemaValue:
        del schema, handler
        return {"type": "string"}

    def _read(self, value: object) -> object:
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, (str, int)):
            msg = "expected text"
            raise ValueError(msg)  # noqa: TRY004 - pydantic turns ValueError into a located message
        return self.kind(str(value))


def as_list(value: object) -> object:
    """A list as it is; anything else as a list of one."""
    return value if isinstance(value, list) else [value]


Rule = Annotated[Expression, _FromText(Expression)]
Text = Annotated[Template, _FromText(Template)]
Rules = Annotated[tuple[Rule, ...], BeforeValidator(as_list)]  # alternatives: the first that decides counts
Slug = Annotated[str, Declared(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Name = Annotated[str, Declared(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Call = Annotated[
    str, Declared(pattern=r"^[a-z][a-z0-9_]*$", description="A function of the provider.py beside this file.")
]


class Part(BaseModel):
    """Base of every part: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
