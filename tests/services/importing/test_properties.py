"""Readers over any text: they end, in findings or in an error that is told. The long run: --hypothesis-profile=long."""

import contextlib
import string
from collections.abc import Callable, Iterator

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.model.errors import UsageError
from jackfield.model.names import require_slug
from jackfield.model.secret import Secret
from jackfield.providers.contract.expression import Expression
from jackfield.providers.contract.fields import complete
from jackfield.providers.contract.paste import assignments
from jackfield.providers.contract.registry import Registry
from jackfield.services.importing import netrc, pgpass
from jackfield.services.importing.documents import read_ini, read_yaml
from jackfield.services.importing.finding import candidate_of
from jackfield.services.importing.sources import SOURCES
from jackfield.services.sealing import fields_to_bytes
from jackfield.text import cleaned

_REGISTRY = Registry()
Expression("true").evaluate(
    {}
)  # the rules' library raises the limit of recursion, which Hypothesis holds against a test
_WORDS = (
    *(
        "\n",
        "\r\n",
        "\\",
        ":",
        "=",
        " ",
        "\t",
        "#",
        ";",
        '"',
        "'",
        "[",
        "]",
        "*",
        "&a",
        "*a",
        "!!null ",
        "- ",
        "{",
        "}",
    ),
    *("[default]\n", "[profile x]\n", "role_arn = arn:aws:iam::123456789012:role/x\n", "source_profile = default\n"),
    *("aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", "aws_secret_access_key = s\n", "machine github.com ", "macdef x\n"),
    *("password ", "login ", "default ", "github.com:\n", "  oauth_token: gho_1\n", "  user: a\n", "  users:\n"),
    *(
        "hosts:\n",
        "  gitlab.com:\n",
        "    token: !!null glpat-1\n",
        "db.example.com:5432:app:bob:secret\n",
        "host=db\n",
    ),
    *("user=bob\n", "dbname=app\n", "password=p\n", "\x1b[31m", "\u202e", "\x00", "é"),
)
_TEXTS = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(_WORDS), max_size=30).map("".join))


@pytest.mark.parametrize("name", [one.name for one in SOURCES])
@given(data=st.data())
@settings(deadline=None)
def test_any_text_ends_in_candidates_or_in_words(name: str, data: st.DataObject) -> None:
    """Whatever a candidate promises can be saved: its name, its definition, every field of it."""
    (source,) = (one for one in SOURCES if one.name == name)
    text = data.draw(_TEXTS)
    try:
        findings = list(source.read([text, text]))
    except UsageError:
        return  # told with its cause and next step
    for finding in findings:
        one = candidate_of(_REGISTRY, name, finding)
        require_slug(one.name)
        assert cleaned(one.origin, lines=False) == one.origin
        if not one.why_not:
            assert one.definition is not None
            method = _REGISTRY.get(one.definition.provider).method(one.definition.method)
            fields_to_bytes(complete(method, one.fields))
            assert all(
                isinstance(one.fields[field.name], Secret)
                for field in method.fields
                if (field.is_secret and field.name in one.fields)
            )


_LINE = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=20)


@given(st.tuples(_LINE.filter(bool), _LINE, _LINE, _LINE, _LINE).filter(lambda parts: not parts[0].startswith("#")))
def test_what_libpq_escapes_comes_back(parts: tuple[str, ...]) -> None:
    line = ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in parts)
    (entry,) = pgpass.entries(line)
    assert (entry.host, entry.port, entry.database, entry.user, entry.password) == parts


@given(st.lists(st.tuples(_LINE.filter(str.strip), _LINE, _LINE), max_size=5))
def test_quoted_words_of_netrc_come_back(entries: list[tuple[str, str, str]]) -> None:
    def quoted(word: str) -> str:
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'

    text = "\n".join(f"machine {quoted(m)} login {quoted(u)} password {quoted(p)}" for m, u, p in entries)
    assert [(one.machine, one.values["login"], one.values["password"]) for one in netrc._entries(text)] == entries


_KEY = st.text(string.ascii_lowercase + "_", min_size=1, max_size=10)
_VALUE = st.text(string.ascii_letters + string.digits + "/+=#;[]:.", max_size=20)


@given(
    st.dictionaries(_KEY, st.dictionaries(_KEY, _VALUE, max_size=4), max_size=4),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_sections_come_back(sections: dict[str, dict[str, str]], nested: bool, end: str) -> None:
    text = "".join(
        f"[{name}]{end}" + "".join(f"{key}={value}{end}" for key, value in pairs.items())
        for name, pairs in sections.items()
    )
    assert read_ini(text, nested=nested) == sections


_TREES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10).filter(
        lambda text: text.isprintable() and text not in {"~", "null", "Null", "NULL"}
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEY, inner, max_size=3),
    max_leaves=15,
)


@given(_TREES)
def test_trees_of_texts_come_back(tree: object) -> None:
    class NoAliases(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    assert read_yaml(yaml.dump(tree, Dumper=NoAliases, allow_unicode=True)) == tree


@given(
    st.dictionaries(st.text(string.ascii_uppercase, min_size=1), _VALUE, max_size=5),
    st.sampled_from(["", "export ", "set "]),
)
def test_assignments_come_back(variables: dict[str, str], before: str) -> None:
    text = "\n".join(f"{before}{name}='{value}'" for name, value in variables.items())
    assert assignments(text) == variables


Reader = Callable[[str], object]


@pytest.mark.parametrize(
    "read", [read_yaml, lambda text: read_ini(text, nested=True), assignments], ids=["yaml", "ini", "env"]
)
@given(text=_TEXTS)
def test_nothing_but_texts_comes_of_any_text(read: Reader, text: str) -> None:
    """Or an error that is told; no tag and no number makes anything else."""
    found: object = ""
    with contextlib.suppress(UsageError):
        found = read(text)
    assert {type(leaf) for leaf in leaves(found)} <= {str}


def leaves(tree: object) -> Iterator[object]:
    """Keys and values of a tree, without what holds them."""
    if isinstance(tree, dict | list):
        for one in [*tree, *tree.values()] if isinstance(tree, dict) else tree:
            yield from leaves(one)
    else:
        yield tree
