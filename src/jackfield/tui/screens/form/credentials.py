"""Step 2: how the credential is made at the vendor."""

from collections.abc import Iterator

from textual.app import ComposeResult

from jackfield.services.form import Form
from jackfield.services.logins import ways
from jackfield.tui.screens.form.step import Step
from jackfield.tui.widgets.choice import ChoiceList, Option
from jackfield.tui.widgets.lines import Line, Span, literal
from jackfield.tui.widgets.prose import Prose, paragraph


class CredentialsStep(Step):
    """The vendor's own path, numbered, for the chosen method."""

    KEYS = ("form.next", "form.previous", "form.copy", "form.qr")
    WORDS = {"form.next": "go on", "form.previous": "back", "form.copy": "copy the address", "form.qr": "QR"}
    ACTIONS = frozenset({"next", "previous", "copy", "qr"})
    BINDINGS = [("enter", "done")]

    def compose(self) -> ComposeResult:
        methods = self.form.provider.methods
        if len(methods) > 1:
            yield Prose(lambda _: [(Span("How will it log in?", "strong"),)], classes="heading", can_focus=False)
            yield ChoiceList(
                [
                    Option(method.id, literal(method.name), "recommended" if method.recommended else "")
                    for method in methods
                ],
                chosen=(self.form.method_id,),
            )
        yield Prose(self._guide, id="guide")

    def begin(self) -> None:
        choice = self.query(ChoiceList)
        self.screen.set_focus(choice.first() if choice else self.query_one("#guide", Prose))

    def copyable(self) -> str:
        return self.form.provider.documentation.credentials

    def action_done(self) -> None:
        self.post_message(self.Done())

    def on_choice_list_changed(self, event: ChoiceList.Changed) -> None:
        event.stop()
        self.form.choose_method(next(iter(event.chosen)))
        self.query_one("#guide", Prose).show(self._guide)
        self.changed()

    def on_choice_list_accepted(self, event: ChoiceList.Accepted) -> None:
        event.stop()
        self.action_done()

    def _guide(self, width: int) -> Iterator[Line]:
        form, provider = self.form, self.form.provider
        yield from guide_lines(form, width)
        if ways(form.method):
            yield from paragraph(
                "Then log in from the next step: it shows what to open in a browser.", width, first=" → "
            )
        if form.method.note:
            yield ()
            yield from paragraph(form.method.note, width, "muted")
        if form.uses:
            yield ()
            yield from paragraph("What it is allowed to do is on the page before: Access.", width, "muted")
        yield ()
        yield from paragraph(provider.documentation.credentials, width, "accent", first="Make it    ")
        yield from paragraph(provider.documentation.permissions, width, "accent", first="Read more  ")
        yield from paragraph(provider.tested_of(form.method).against, width, "muted", first="Tested on  ")
        if provider.limits:
            yield ()
            yield from paragraph(provider.limits, width, "muted")
        if form.missing_driver:
            yield ()
            yield from paragraph(
                f"To test it, the vendor's library is needed here: {form.missing_driver}", width, "limited", sign="⚠ "
            )


def guide_lines(form: Form, width: int) -> Iterator[Line]:
    """The steps at the vendor, numbered, filled with what is known."""
    yield (Span(f"At {literal(form.provider.name)}", "strong"),)
    for number, step in enumerate(form.guide(), 1):
        yield from paragraph(step, width, first=f" {number} ")
