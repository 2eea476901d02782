"""Provider files of a user's own: whatever stands in one, it is a provider or a problem that is told."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.providers.contract.expression import Expression
from jackfield.providers.contract.registry import BUILT_IN, Registry
from jackfield.text import cleaned

Expression("true").evaluate(
    {}
)  # the rules' library raises the limit of recursion, which Hypothesis holds against a test
_REGISTRY = Registry()
SHIPPED = [BUILT_IN.joinpath(name, "provider.yaml").read_text("utf-8") for name in ("netlify", "github", "postgres")]
_WORDS = (
    *(
        "\n",
        "  ",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "#",
        "&a ",
        "*a",
        "!!python/name:os.system ",
        "<<: ",
        "|\n",
    ),
    *("slug: own\n", "aliases: [github]\n", "methods:\n", "facts:\n", "true", "null", "0", "-1", "1e999", ".nan"),
    *("me.status == 200", "{target.team}", "call: x", "\x1b[31m", "\u202e", "\x00", "\x85", "é", "9" * 400),
)
_texts = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(_WORDS), max_size=30).map("".join))


@st.composite
def changed_files(draw: st.DrawFn) -> str:
    """A shipped file under another slug, with some lines dropped, doubled, moved or replaced."""
    lines = draw(st.sampled_from(SHIPPED)).splitlines(keepends=True)
    lines[0] = "slug: own-one\n"
    for _ in range(draw(st.integers(1, 4))):
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        lines[at] = draw(
            st.sampled_from(["", lines[at] * 2, lines[other], lines[at].lstrip(), "  " + lines[at]])
            | st.sampled_from(_WORDS).map(lambda word: lines[at].rstrip("\n") + word + "\n")  # noqa: B023  drawn at once
        )
    return "".join(lines)


@pytest.mark.parametrize("texts", [_texts, changed_files()], ids=["any text", "a shipped file changed"])
@given(data=st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_file_is_a_provider_or_a_problem(
    tmp_path: Path, texts: st.SearchStrategy[str], data: st.DataObject
) -> None:
    """One that is taken has a slug of its own, no Python, and stands in the way of nothing."""
    file = tmp_path / "own.yaml"
    file.write_text(data.draw(texts), "utf-8", errors="surrogatepass", newline="")
    registry = Registry()
    registry._add_own(file)
    added = set(registry.slugs()) - set(_REGISTRY.slugs())
    assert len(added) + len(registry.problems) == 1
    assert all(cleaned(str(problem), lines=False) == str(problem) for problem in registry.problems)
    assert all(registry.get(slug).slug == slug for slug in (*_REGISTRY.slugs()[:3], *added))
    assert all(registry.get(alias) is registry.get(slug) for alias, slug in registry._aliases.items())
    assert _REGISTRY._aliases.items() <= registry._aliases.items()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0\t", "dictionary"),  # one reader of YAML takes this, another does not
        ("? [a, b]\n: c\n", "a key is no text"),
        ("slug: own\nslug: own\n", "given twice"),
        ("\x1f", "control characters are not allowed"),
    ],
)
def test_an_odd_file_is_told_of_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text, "utf-8")
    (problem,) = Registry(tmp_path).problems
    assert (reason in problem.reason, str(problem).isprintable()) == (True, True)
