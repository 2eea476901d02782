"""What to change at the vendor, as a text to read and copy."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from jackfield.services.difference import Change, DifferenceLine
from jackfield.services.form import Form
from jackfield.tui.screens.form.credentials import guide_lines
from jackfield.tui.screens.reading import ReadingScreen
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.prose import code, paragraph

_TONES: Final = {Change.ADD: "failed", Change.REMOVE: "limited", Change.KEEP: "passed", Change.LOOK: "unproven"}
_HEADINGS: Final = {
    Change.ADD: "Add: a chosen use needs it",
    Change.REMOVE: "Remove: no chosen use needs it, the worst first",
    Change.LOOK: "Look at the vendor: nobody can tell from here",
    Change.KEEP: "Keep",
}


def difference_screen(name: str, lines: Sequence[DifferenceLine]) -> ReadingScreen:
    """What separates the granted rights from the least that is needed."""

    def make(width: int) -> Iterator[Line]:
        before: Change | None = None
        for line in lines:
            if line.change is not before:
                if before is not None:
                    yield ()
                yield (Span(_HEADINGS[line.change], "strong"),)
                before = line.change
            yield from paragraph(line.permission, width, _TONES[line.change], sign=f" {line.change.value} ")
            if line.how:
                yield from paragraph(line.how, width, "muted", first="     ")

    return ReadingScreen(
        name, "difference to the least", make=make, text="\n".join(map(str, lines)), file=f"{name}-difference.txt"
    )


def policy_screen(name: str, snippet: str) -> ReadingScreen:
    """The least that the chosen uses need, to paste at the vendor."""
    return ReadingScreen(
        name, "the least it needs", make=lambda width: code(snippet, width), text=snippet, file=f"{name}-access.txt"
    )


def guide_screen(form: Form) -> ReadingScreen:
    """How a stored connection's credential is made at the vendor."""
    return ReadingScreen(
        form.name,
        "at the vendor",
        make=partial(guide_lines, form),
        text="\n".join(form.guide()),
        file=f"{form.name}-guide.txt",
    )
