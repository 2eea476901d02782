"""Step 4: the name, the place and the schedule."""

from collections.abc import Iterator
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from jackfield.model.check import CheckResult, ExpiryKnown, unverified
from jackfield.model.connection import Scope, State
from jackfield.model.errors import InvalidField
from jackfield.model.names import DESCRIPTION_LIMIT, NAME_LIMIT, suggest_slug
from jackfield.services.form import Form
from jackfield.services.schedule import DEFAULT_MINUTES
from jackfield.services.session import Session
from jackfield.services.trial import Trial, management_of
from jackfield.tui.screens.form.places import Place, places_of
from jackfield.tui.screens.form.rows import FormRow, option_editor, text_editor
from jackfield.tui.screens.form.step import Step
from jackfield.tui.symbols import STATES, state_mark
from jackfield.tui.times import left
from jackfield.tui.widgets.choice import Option
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.option_line import YES_OR_NO
from jackfield.tui.widgets.prose import Prose, paragraph

_NEVER: Final = "never"
SCHEDULES: Final = {
    5: "every 5 minutes",
    15: "every 15 minutes",
    60: "every hour",
    360: "every 6 hours",
    1440: "every day",
}
_HINTS: Final = {
    "name": "How lists and commands call it: a-z, 0-9 and hyphens, unique in its place.",
    "description": f"For people: at most {DESCRIPTION_LIMIT} characters.",
    "place": "Every project of an organization may use its connections; a project's own, only that project. f4 lists.",
    "every": "Tested by itself while Jackfield or its worker runs. A refused login stops it until you look.",
    "tags": "Words to filter by, separated by commas.",
}


def doubt(trial: Trial | None) -> Confirm | None:
    """The question before saving what no test has shown to work; None where one has."""
    if trial is None:
        return Confirm("Save it without a test?", ("It is listed as untested until a test passes.",), yes="Save")
    failure = trial.result.failure
    if failure is None:
        return None
    return Confirm(f"Save it though its test failed ({failure.kind.value})?", (failure.message,), yes="Save")


class SaveStep(Step):
    """What is kept beside the credential."""

    KEYS = ("form.save", "form.previous", "form.pick")
    WORDS = {"form.previous": "back", "form.pick": "list"}
    ACTIONS = frozenset({"previous", "save", "pick"})

    def __init__(self, form: Form, session: Session, trial: Trial | None) -> None:
        super().__init__(form)
        self._trial = trial
        self._places = places_of(session)
        self._said = ""

    def compose(self) -> ComposeResult:
        form = self.form
        yield Prose(self._summary, id="summary", can_focus=False)
        with VerticalScroll(id="fields", can_focus=False):
            yield FormRow(
                "name", "Name", text_editor(form.name, self._suggestion(), limit=NAME_LIMIT * 2), optional=False
            )
            yield FormRow("description", "Description", text_editor(form.description))
            if self._places:
                yield FormRow("place", "Place", option_editor(self._place_options(), self._place_id()))
            yield FormRow("every", "Tested", option_editor(list(self._schedules()), self._schedule()))
            if self._expiry_is_typed():
                yield FormRow("expires", "Expires", text_editor(form.expires, "2027-03-31, or empty"))
            yield FormRow("tags", "Tags", text_editor(", ".join(form.tags)))
            if management_of(form.provider, form.method_id) is not None:
                managed = "true" if form.platform_managed else "false"
                yield FormRow("managed", "Managed here", option_editor(YES_OR_NO, managed))
        yield Prose(self._hint, id="hint", can_focus=False)

    def begin(self) -> None:
        row = self.query(FormRow).first()
        if not self.form.name:
            row.replace(self._suggestion())
        self.screen.set_focus(row.editor)

    def focus_on(self, problem: InvalidField) -> None:
        """Put the cursor where something is wrong, and say what."""
        for row in self.query(FormRow):
            if row.key == {"scope": "place", "tag": "tags"}.get(problem.field, problem.field):
                self.screen.set_focus(row.editor)
        self.say(str(problem))

    def say(self, text: str) -> None:
        """Say one thing under the rows."""
        self._said = text
        self.query_one("#hint", Prose).show(self._hint)

    def places(self) -> tuple[Place, ...]:
        """Where the connection may belong."""
        return self._places

    def put_in(self, place_id: str | None) -> None:
        """Choose the place; None leaves it."""
        if place_id is None:
            return
        next(row for row in self.query(FormRow) if row.key == "place").replace(place_id)
        self._take("place", place_id)

    def on_form_row_edited(self, event: FormRow.Edited) -> None:
        event.stop()
        if isinstance(event.value, str):
            self._take(event.row.key, event.value)

    def on_form_row_submitted(self, event: FormRow.Submitted) -> None:
        event.stop()
        rows = list(self.query(FormRow))
        following = rows[rows.index(event.row) + 1 :]
        if following:
            self.screen.set_focus(following[0].editor)
        else:
            self.post_message(self.Done())

    def on_descendant_focus(self) -> None:
        self.query_one("#hint", Prose).show(self._hint)

    def _take(self, key: str, text: str) -> None:
        form = self.form
        match key:
            case "name":
                form.name = text.strip()
            case "description":
                form.description = text.strip()
            case "place":
                form.scope = next(place.scope for place in self._places if place.id == text)
            case "every":
                form.every_minutes = None if text == _NEVER else int(text)
            case "expires":
                form.expires = text.strip()
            case "tags":
                form.tags = tuple(tag for part in text.split(",") if (tag := part.strip()))
            case "managed":
                form.platform_managed = text == "true"
        self._said = ""
        self.query_one("#summary", Prose).show(self._summary)
        self.query_one("#hint", Prose).show(self._hint)
        self.changed()

    def _suggestion(self) -> str:
        uses = self.form.intended()
        target = next((text for use in uses for text in use.targets.values() if text), "")
        return suggest_slug(f"{self.form.provider.slug}-{target}" if target else self.form.provider.slug)

    def _schedules(self) -> Iterator[Option]:
        minutes = self.form.every_minutes or DEFAULT_MINUTES
        if minutes not in SCHEDULES:
            yield Option(str(minutes), f"every {minutes} minutes")
        for known, words in SCHEDULES.items():
            yield Option(str(known), words)
        yield Option(_NEVER, "only by hand")

    def _schedule(self) -> str:
        return _NEVER if self.form.every_minutes is None else str(self.form.every_minutes)

    def _place_options(self) -> list[Option]:
        return [Option(place.id, place.words) for place in self._places]

    def _place_id(self) -> str:
        wanted: Scope | None = self.form.scope
        return next((place.id for place in self._places if place.scope == wanted), self._places[0].id)

    # What is said

    @property
    def _result(self) -> CheckResult | None:
        return self._trial.result if self._trial is not None and self._trial.speaks_of(self.form) else None

    def _expiry_is_typed(self) -> bool:
        """The vendor did not tell, or was not asked."""
        return self._result is None or self._result.expiry_known in (ExpiryKnown.UNKNOWN, ExpiryKnown.TYPED)

    def _summary(self, width: int) -> Iterator[Line]:
        result = self._result
        if result is None:
            mark = STATES[State.UNTESTED]
            why = "not tested" if self._trial is None else "changed since its test"
            yield (Span(f" {mark.symbol} {why}", mark.tone), Span("   ctrl+s saves it marked as untested", "muted"))
        else:
            kind = result.failure.kind if result.failure else None
            mark = state_mark(State(result.outcome.value), kind, unverified(result.grants))
            account = next(iter(result.identity.values()), "")
            expiry = f"expires in {left(result.expires_at)}" if result.expires_at else ""
            facts = "  ·  ".join(filter(None, (account, expiry)))
            yield (Span(f" {mark}", mark.tone), Span(f"   {facts}"))
        yield ()

    def _hint(self, width: int) -> Iterator[Line]:
        row = next((row for row in self.query(FormRow) if row.editor.has_focus), None)
        if self._said:
            yield from paragraph(self._said, width, "failed")
        elif row is not None:
            text = _HINTS.get(row.key, "")
            if row.key == "expires":
                text = self.form.provider.expiry_unreadable or "The day the credential ends, if you know it."
            way = management_of(self.form.provider, self.form.method_id) if row.key == "managed" else None
            if way is not None:
                text = f"On saving, the secret is replaced at the vendor; only Jackfield knows it. Needs: {way.needs}"
            yield from paragraph(text, width, "muted")
