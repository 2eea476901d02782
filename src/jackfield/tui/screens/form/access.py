"""Step 1: what the connection is for, and the least that this needs at the vendor."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget

from jackfield.model.secret import Stored
from jackfield.services.form import Form, Wanted
from jackfield.tui.screens.form.rows import FormRow, label_width, option_editor, text_editor
from jackfield.tui.screens.form.step import Step
from jackfield.tui.widgets.choice import ChoiceList, Option
from jackfield.tui.widgets.lines import Line, LineView, Span, literal, width_of
from jackfield.tui.widgets.prose import Prose, code, paragraph

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Use

_NOTHING_CHOSEN = "Nothing is chosen: only the login itself would be tested, and no permission."


class TargetRows(Vertical):
    """The target values of the chosen uses."""

    DEFAULT_CSS = "TargetRows { height: auto; }"

    def __init__(self, form: Form, *, only_open: bool = False, label: int = 0) -> None:
        """`label` is the least width of a label in cells."""
        super().__init__()
        self._label = label
        self._form = form
        self._only_open = only_open
        self._shown: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        self._shown = list(self._wanted())
        labels = (self._form.provider.use(use_id).target[name].label for use_id, name in self._shown)
        width = max(self._label, label_width(labels))
        for use_id, of_use in groupby(self._shown, key=lambda shown: shown[0]):
            use = self._form.provider.use(use_id)
            if len(self._form.uses) > 1:
                heading = LineView()
                heading.show_lines([(Span(f" {literal(use.title)}", "accent"),)])
                yield heading
            for _, name in of_use:
                yield self._row(use, name, width)

    async def renew(self) -> None:
        """Show the rows that the chosen uses have now."""
        if list(self._wanted()) != self._shown:
            await self.recompose()

    def _wanted(self) -> Iterator[tuple[str, str]]:
        """(use, target), or only those that still need a value."""
        for use in self._form.possible_uses():
            for name, target in use.target.items() if use.id in self._form.uses else ():
                empty = not self._form.uses[use.id].get(name, "")
                if not self._only_open or (target.required and empty):
                    yield use.id, name

    def _row(self, use: "Use", name: str, width: int) -> FormRow:
        target = use.target[name]
        value = self._form.uses[use.id].get(name, "")
        key, editor = f"{use.id}|{name}", text_editor(value, target.example)
        if target.choices:
            known = target.choices if value in target.choices else {value: value or "–", **target.choices}
            editor = option_editor([Option(one, literal(words)) for one, words in known.items()], value)
        return FormRow(key, target.label, editor, width=width, optional=not target.required)

    def on_form_row_edited(self, event: FormRow.Edited) -> None:
        event.stop()
        use_id, _, name = event.row.key.partition("|")
        if not isinstance(event.value, Stored) and use_id in self._form.uses:
            self._form.set_target(use_id, name, event.value)
            self.post_message(Step.Changed())

    def on_form_row_submitted(self, event: FormRow.Submitted) -> None:
        """A value that is meant serves the same target of the other uses too, where they have none."""
        use_id, _, name = event.row.key.partition("|")
        if self._form.spread_target(use_id, name):
            for row in self.query(FormRow):
                other, _, target = row.key.partition("|")
                if target == name and not row.text:
                    row.replace(self._form.uses[other][name])


class AccessStep(Step):
    """Uses on the left or above, what they need beside or under it."""

    KEYS = ("choice.accept", "choice.choose", "form.copy", "form.write", "form.qr")
    WORDS = {"choice.accept": "go on", "form.copy": "copy", "form.write": "file", "form.qr": "QR"}
    ACTIONS = frozenset({"next", "copy", "write", "qr", "pick"})

    def compose(self) -> ComposeResult:
        with Vertical(id="uses"):
            yield Prose(lambda _: [(Span("What is it for?", "strong"),)], classes="heading", can_focus=False)
            yield ChoiceList(list(self._options()), chosen=self.form.uses, multiple=True)
            yield TargetRows(self.form)
        with VerticalScroll(id="needs", can_focus=False):
            yield Prose(self._needs)

    def begin(self) -> None:
        self.screen.set_focus(self.query_one(ChoiceList))

    def copyable(self) -> str:
        return self.form.snippet() if self.form.uses else ""

    def _options(self) -> Iterable[Option]:
        possible = self.form.possible_uses()
        for use in self.form.provider.uses:
            only = "" if use in possible else f"only with {self.form.provider.method(use.methods[0]).name}"
            yield Option(use.id, literal(use.title), literal(only), warning="careful" if use.warning else "")

    async def on_choice_list_changed(self, event: ChoiceList.Changed) -> None:
        """Take the choice. A use that another method is needed for brings that method with it."""
        event.stop()
        before = self.form.method_id
        for use in self.form.provider.uses:
            if use.id in event.chosen and use not in self.form.possible_uses():
                self.form.choose_method(use.methods[0])
            self.form.choose_use(use.id, wanted=use.id in event.chosen and use in self.form.possible_uses())
        if self.form.method_id != before:
            event.control.set_options(list(self._options()), chosen=self.form.uses)
        await self.query_one(TargetRows).renew()
        self._renew()
        self.changed()

    def on_choice_list_accepted(self, event: ChoiceList.Accepted) -> None:
        event.stop()
        self._go_on_after(None)

    def on_form_row_submitted(self, event: FormRow.Submitted) -> None:
        event.stop()
        self._go_on_after(event.row)

    def on_step_changed(self) -> None:
        self._renew()

    def _go_on_after(self, row: FormRow | None) -> None:
        """To the next target, or on to the next step after the last."""
        rows = list(self.query(FormRow))
        following = rows[rows.index(row) + 1 :] if row is not None else rows
        waiting = [one for one in following if not one.text] if row is None else following
        if waiting:
            self.screen.set_focus(waiting[0].editor)
        else:
            self.post_message(self.Done())

    def _renew(self) -> None:
        self.query_one("#needs Prose", Prose).show(self._needs)

    def _needs(self, width: int) -> Iterator[Line]:
        """The minimal checklist by use, and the snippet for all of them."""
        form = self.form
        yield (Span("Least it needs", "strong"),)
        if not form.uses:
            yield from paragraph(_NOTHING_CHOSEN, width, "muted")
            return
        for use_id, rows in groupby(form.wanted_permissions(), key=lambda row: row.use):
            use = form.provider.use(use_id)
            if len(form.uses) > 1:
                yield from paragraph(use.title, width, "accent")
            if use.warning:
                yield from paragraph(use.warning, width, "limited", sign="⚠ ")
            yield from _permissions(list(rows), width)
        snippet = form.snippet()
        if snippet:
            yield ()
            some = any(form.provider.use(use_id).snippet for use_id in form.uses)
            yield (Span("To paste at the vendor" if some else "Nothing to paste here", "strong"),)
            yield from code(snippet, width)


def _permissions(rows: list[Wanted], width: int) -> Iterator[Line]:
    """Name and reason side by side where the names are short, else the reason under the name."""
    name_width = max(width_of(literal(row.name)) for row in rows) + 2
    for row in rows:
        when = "" if row.when == "always" else f" ({row.when})"
        if name_width * 2 < width:
            name = literal(row.name)
            first = f"· {name}{' ' * (name_width - width_of(name))}"
            lines = list(paragraph(row.why + when, width, "muted", first=first))
            yield from lines
        else:
            yield from paragraph(row.name, width, first="· ")
            yield from paragraph(row.why + when, width, "muted", first="    ")


def focused_row(widget: Widget | None) -> FormRow | None:
    """The row that a focused editor belongs to."""
    return widget.parent if widget is not None and isinstance(widget.parent, FormRow) else None
