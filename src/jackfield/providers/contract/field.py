"""The shape of one field of a method's form."""

import re
from typing import Self

from pydantic import Field as Declared
from pydantic import model_validator

from jackfield.providers.contract.kinds import FieldKind, Normalise
from jackfield.providers.contract.part import Name, Part, Rule


class Field(Part):
    name: Name
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    secret: bool = False
    default: str | int | bool | None = None
    choices: dict[str, str] = Declared(default={}, description="Value → words, for kind choice.")
    pattern: str = Declared(default="", description="The whole value must match.")
    pattern_says: str = Declared(default="", description="What the pattern asks for, in words.")
    min_length: int = 0
    max_length: int = 10_000
    minimum: int | None = None
    maximum: int | None = None
    example: str = ""
    help: str = ""
    guide: int | None = Declared(default=None, description="The step of the guide where the value is found.")
    shown: Rule | None = Declared(default=None, description="Rule over other fields; a field not shown is not asked.")
    normalise: tuple[Normalise, ...] = ()
    remove_endings: tuple[str, ...] = Declared(default=(), description="Endings such as /login that are cut off.")
    obtained: bool = Declared(default=False, description="The program obtains the value; the form does not ask.")
    refuse: dict[str, str] = Declared(default={}, description="Pattern → why such a value cannot be right here.")

    @property
    def is_secret(self) -> bool:
        return self.secret or self.kind is FieldKind.SECRET

    @property
    def is_long(self) -> bool:
        """Whether the value may have many lines."""
        return self.kind in {FieldKind.PEM, FieldKind.JSON, FieldKind.MULTILINE}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.kind is FieldKind.CHOICE) != bool(self.choices):
            msg = "choices go with kind choice, and only there"
            raise ValueError(msg)
        for pattern in (self.pattern, *self.refuse):
            try:
                re.compile(pattern)
            except re.error as error:
                msg = f"the pattern {pattern!r} is not valid: {error}"
                raise ValueError(msg) from None
        return self
