"""Reads a provider file. Its shapes, which take long to load, are loaded when the first one is read."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from jackfield.text import cleaned

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Provider

USER_FILE_LIMIT: Final = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class ProviderProblem:
    """A provider that could not be used; everything else works on. Each of its texts is one line."""

    file: str
    line: int  # from 1; 0 where it is not about a line
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class ProviderFileError(Exception):
    """`file`, `line` and `reason` as in ProviderProblem, from whatever text."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        self.problem = ProviderProblem(file, line, cleaned(reason, limit=300, lines=False))
        super().__init__(str(self.problem))


def load_provider(file: Path) -> "Provider":
    """Read one provider file. Raises ProviderFileError naming file, line and reason."""
    from pydantic import ValidationError

    from jackfield.providers.contract.spec import Provider

    name = shown(file)
    try:
        if file.stat().st_size > USER_FILE_LIMIT:
            raise ProviderFileError(name, 1, "the file is larger than 1 MiB")
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ProviderFileError(name, 1, f"the file cannot be read: {reason}") from None
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with stricter scalars
        provider = Provider.model_validate(data)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ProviderFileError(name, line, str(error.problem)) from None
    except yaml.YAMLError as error:
        raise ProviderFileError(name, 1, str(error)) from None
    except RecursionError:
        raise ProviderFileError(name, 1, "it is nested too deeply") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = f"{place}: {first['msg'].removeprefix('Value error, ')}" if place else first["msg"]
        raise ProviderFileError(name, _line_of(text, first["loc"]), reason) from None
    return provider


def read_built_in(file: Path) -> dict[str, Any]:
    """What a file of ours says, as plain data: it is held to its shapes by the tests."""
    return yaml.load(file.read_text("utf-8"), _Loader)  # type: ignore[no-any-return]  # noqa: S506 - as above


def shown(file: Path) -> str:
    """The file's name, fit for one line."""
    return cleaned(str(file), limit=300, lines=False)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML in which only true and false are booleans, and a key given twice is an error."""

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"}
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key is no text", key.start_mark)
            if key.value in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _line_of(text: str, place: tuple[int | str, ...]) -> int:
    """The line of a key or item, followed as far as the document goes."""
    node = yaml.compose(text, _Loader)
    line = 1
    for part in place:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == str(part)), None)
            line = next((key.start_mark.line + 1 for key, _ in node.value if key.value == str(part)), line)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line
