"""Step 3: the fields of the chosen method, and the test."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from jackfield.model.errors import InvalidField, JackfieldError
from jackfield.model.secret import Stored
from jackfield.providers.contract.fields import told_of_address
from jackfield.providers.contract.kinds import FieldKind
from jackfield.providers.contract.paste import Pasted
from jackfield.services.form import Form
from jackfield.services.identities import Identity
from jackfield.services.logins import ways
from jackfield.services.sources import read_source, source_of
from jackfield.services.trial import asks_for_attempts, asks_for_private
from jackfield.tui.screens.form.access import TargetRows
from jackfield.tui.screens.form.rows import FormRow, field_editor, label_width, option_editor
from jackfield.tui.screens.form.step import Step
from jackfield.tui.widgets.check_view import CheckView
from jackfield.tui.widgets.choice import Option
from jackfield.tui.widgets.lines import Line, literal
from jackfield.tui.widgets.option_line import YES_OR_NO
from jackfield.tui.widgets.prose import Prose, paragraph
from jackfield.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from jackfield.providers.contract.field import Field

_METHOD: Final = "method|"  # row keys that are no field
_START: Final = "identity|"
_PRIVATE: Final = "private|"
_ATTEMPTS: Final = "attempts|"
_CHOICES: Final = frozenset({_METHOD, _START, _PRIVATE, _ATTEMPTS})

_HINTS: Final = {
    _PRIVATE: "Loopback and private addresses are reached only where you say so. Link-local ones never are.",
    _ATTEMPTS: "Some rights show only by a call that the vendor must refuse. It changes nothing; it is made on yes.",
    _METHOD: "How the connection logs in. Fields that both methods have stay filled.",
}
_NO_IDENTITY: Final = "No source identity fits yet. Make one in the settings (,) or by: jackfield identity create NAME"
_IDENTITY: Final = (
    "What a source identity gives is not asked here. It is kept once for all connections that start from it."
)
_PASTE: Final = "Paste a whole block anywhere: a profile, a URL, .env lines or JSON fills what it knows."
_NAMED: Final = 4  # names of what was left out
_SOURCES: Final = "@FILE and env:VARIABLE read the value from there."


class ConnectStep(Step):
    """Fields above, what the field at the cursor wants under them, the test below."""

    KEYS = ("form.test", "form.next", "form.previous", "secret.reveal")
    WORDS = {"form.next": "go on", "form.previous": "back"}
    ACTIONS = frozenset({"next", "previous", "test", "cancel_test", "pick", "difference", "log_in", "copy"})

    def __init__(self, form: Form, lenders: Callable[[str], Sequence[Identity]]) -> None:
        """`lenders` gives the source identities that a method can start from."""
        super().__init__(form)
        self._lenders = lenders
        self._identities: Sequence[Identity] = ()
        self._changes: dict[str, tuple[str, ...]] = {}  # field → how its value was normalised
        self._said = ""  # what the hint line says until the next key
        self._said_of_paste = False  # it is about what that paste is about to change
        self._fields: tuple[Field, ...] = ()

    def compose(self) -> ComposeResult:
        yield VerticalScroll(id="fields", can_focus=False)
        yield Prose(self._hint, id="hint", can_focus=False)
        with Vertical(id="result"):
            yield CheckView(hint=self._before_test())

    async def on_mount(self) -> None:
        await self._fill()

    async def _fill(self) -> None:
        """Make the rows anew."""
        fields = self.query_one("#fields", VerticalScroll)
        self._fields = self.form.asked()
        await fields.remove_children()
        await fields.mount_all(self._rows())
        self._mark_all()

    def _rows(self) -> Iterator[FormRow | TargetRows]:
        form = self.form
        width = label_width(["Private addresses", *(field.label for field in self._fields)])
        if len(form.methods) > 1 and form.connection is None:
            options = [Option(one.id, literal(one.name)) for one in form.methods]
            yield FormRow(_METHOD, "Method", option_editor(options, form.method_id), width=width)
        if form.can_start_from_identity():
            self._identities = self._lenders(form.method_id)
            options = [Option("", "its own fields"), *(Option(one.id, one.name) for one in self._identities)]
            chosen = form.identity.id if form.identity is not None else ""
            yield FormRow(_START, "Starts from", option_editor(options, chosen), width=width)
        for field in self._fields:
            text = form.texts.get(field.name, "")
            editor = field_editor(field, text, form.stored.get(field.name))
            secret = text if field.is_secret or field.is_long else ""
            yield FormRow(
                field.name, field.label, editor,
                width=width, optional=not field.required, secret=secret, take_block=self._take_block,
            )  # fmt: skip
        yield TargetRows(form, only_open=True, label=width)
        if asks_for_private(form):
            allowed = "true" if form.private_allowed else "false"
            yield FormRow(_PRIVATE, "Private addresses", option_editor(YES_OR_NO, allowed), width=width)
        if asks_for_attempts(form):
            allowed = "true" if form.attempts_allowed else "false"
            yield FormRow(_ATTEMPTS, "Guarded attempts", option_editor(YES_OR_NO, allowed), width=width)

    @property
    def view(self) -> CheckView:
        return self.query_one(CheckView)

    def begin(self) -> None:
        """The first row that still wants something, else the first."""
        rows = [row for row in self.query(FormRow) if row.key != _METHOD]
        empty = [row for row in rows if not row.text and self._problem(row.key) is not None]
        if rows:
            self.screen.set_focus((empty or rows)[0].editor)

    def focus_on(self, problem: InvalidField) -> None:
        """Put the cursor where something is wrong, and say what."""
        name = problem.field
        for row in self.query(FormRow):
            if row.key == name or row.key.replace("|", ".") == name:
                self.screen.set_focus(row.editor)
        self._say(str(problem))

    def _before_test(self) -> str:
        if command := self.form.missing_driver:
            return f"This provider is tested with a library that is not installed here. Add it with: {command}"
        if ways(self.form.method):
            return "f6 logs in. The test needs the login; it stores nothing."
        return "The test uses what is typed here and stores nothing."

    # What is typed

    async def on_form_row_edited(self, event: FormRow.Edited) -> None:
        event.stop()
        key, value = event.row.key, event.value
        if value != self.form.texts.get(key) and not self._said_of_paste:  # typed by the user, not put there
            self._said = ""
        self._said_of_paste = False
        if key == _METHOD and isinstance(value, str):
            self.form.choose_method(value)
            await self._fill()
            self.screen.set_focus(self.query(FormRow).first().editor)
            self.view.show_hint(self._before_test())
        elif key == _START:
            self.form.identity = next((one for one in self._identities if one.id == value), None)
        elif key in (_PRIVATE, _ATTEMPTS):
            setattr(self.form, "private_allowed" if key == _PRIVATE else "attempts_allowed", value == "true")
        elif isinstance(value, Stored):
            self.form.set_stored(key, value)
        elif value != self.form.texts.get(key, "") or key in self.form.stored:
            self._changes[key] = self.form.type(key, value).changes
            unconfirmed = self.form.unconfirmed()
            if unconfirmed is not None and unconfirmed.field == key:
                self.post_message(self.Unconfirmed())
        await self._ask_for_what_applies()
        self._mark_all()
        self._renew_hint()
        self.changed()

    async def _ask_for_what_applies(self) -> None:
        """Show other rows when what was typed decides that other fields are asked."""
        if self.form.asked() == self._fields:
            return
        here = next((row.key for row in self.query(FormRow) if row.editor.has_focus), "")
        await self._fill()
        for row in self.query(FormRow):
            if row.key == here:
                self.screen.set_focus(row.editor)

    def on_form_row_submitted(self, event: FormRow.Submitted) -> None:
        """Read the value from where the text says it is; else go to the next row, and test after the last."""
        event.stop()
        row = event.row
        if source_of(row.text) and row.key in {field.name for field in self._fields}:
            self._read(row)
            return
        rows = list(self.query(FormRow))
        following = rows[rows.index(row) + 1 :]
        if following:
            self.screen.set_focus(following[0].editor)
        else:
            self.post_message(self.Done())

    def _read(self, row: FormRow) -> None:
        source = source_of(row.text)
        try:
            text = read_source(row.text)
        except JackfieldError as error:
            self._say(str(error))
            return
        self._changes[row.key] = self.form.type(row.key, text).changes
        row.replace(self.form.texts[row.key])
        self._mark_all()
        self._say(f"Read from {source}.")
        self.changed()

    def on_paste(self, event: events.Paste) -> None:
        """A block pasted where no field is."""
        event.stop()
        self._take_block(event.text)

    def _take_block(self, text: str) -> bool:
        pasted, filled = self.form.paste(text)
        if pasted.refused:
            self._say(f"{pasted.refused} Nothing was taken: copy it again as text, or name its file: @FILE.")
            return True
        if not filled:
            editor = self.screen.focused
            if "\n" in text.strip() and isinstance(editor, TextInput):
                self._say("Nothing in that block is known here; its first line alone was taken.")
                self._said_of_paste = True
            return False
        self._changes |= {name: typed.changes for name, typed in filled.items()}
        self.call_later(self._show_pasted, pasted)
        return True

    async def _show_pasted(self, pasted: Pasted) -> None:
        await self._ask_for_what_applies()
        for row in self.query(FormRow):
            if row.key in self.form.texts:
                row.replace(self.form.texts[row.key])
        labels = ", ".join(one.label for one in self.form.method.fields if one.name in pasted.fields)
        left_out, more = ", ".join(pasted.left_out[:_NAMED]), len(pasted.left_out) - _NAMED
        rest = f" Left out: {left_out}{f' and {more} more' if more > 0 else ''}." if left_out else ""
        self._say(f"Filled from what was pasted: {labels}.{rest}")
        self._mark_all()
        self.changed()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """What was typed is shown as it is kept."""
        row = event.widget.parent
        if isinstance(row, FormRow) and self._changes.get(row.key) and row.key in self.form.texts:
            self.form.type(row.key, row.text)  # keys typed ahead may not have been told yet
            with row.prevent(FormRow.Edited):
                row.replace(self.form.texts[row.key])

    def on_descendant_focus(self) -> None:
        self._renew_hint()

    async def renew(self) -> None:
        """Show what the form holds now, where something else changed it."""
        await self._fill()
        self._renew_hint()

    # What is said about it

    def _problem(self, key: str) -> InvalidField | None:
        if any(field.name == key for field in self._fields):
            return self.form.problem(key)
        return next((one for one in self.form.problems() if one.field == key.replace("|", ".")), None)

    def _mark_all(self) -> None:
        for row in self.query(FormRow):
            if not row.is_mounted or row.key in _CHOICES:
                continue
            kept = row.key in self.form.stored
            typed = bool(row.text)
            row.mark(self._problem(row.key) is None if typed else (True if kept else None))

    def _say(self, text: str) -> None:
        self._said = text
        self._renew_hint()

    def _renew_hint(self) -> None:
        self.query_one("#hint", Prose).show(self._hint)

    def _hint(self, width: int) -> Iterator[Line]:
        """One thing: what went wrong or was done, what is wrong with the field, how it was changed, what it is."""
        key = next((row.key for row in self.query(FormRow) if row.editor.has_focus), "")
        text = next((row.text for row in self.query(FormRow) if row.key == key), "")
        field = next((one for one in self._fields if one.name == key), None)
        problem = self._problem(key) if text else None
        if self._said:
            yield from paragraph(self._said, width)
        elif source := source_of(text) if field is not None else "":
            yield from paragraph(f"↵ reads {source}.", width, "accent")
        elif problem is not None:
            yield from paragraph(str(problem), width, "failed")
        elif changes := self._changes.get(key, ()):
            yield from paragraph(f"Kept as: {', '.join(changes)}.", width, "limited")
        elif told := _told(field, text):
            yield from paragraph(f"That host {told}.", width, "limited")
        elif key == _START:
            yield from paragraph(
                _IDENTITY if self._identities else f"{_NO_IDENTITY} --provider {self.form.provider.slug}",
                width,
                "muted",
            )
        elif key in _HINTS:
            yield from paragraph(_HINTS[key], width, "muted")
        elif field is not None:
            yield from paragraph(_about(field), width, "muted")
        elif "|" in key:
            yield from paragraph(self._target_hint(key), width, "muted")
        else:
            yield from paragraph(_PASTE, width, "muted")

    def show_tested(self, *, tested: bool) -> None:
        """Leave more room to a test than to the fields, or the other way round."""
        self.set_class(tested, "-tested")
        focused = self.screen.focused
        if focused is not None:
            self.call_after_refresh(focused.scroll_visible, animate=False)

    def _target_hint(self, key: str) -> str:
        use_id, _, name = key.partition("|")
        target = self.form.provider.use(use_id).target[name]
        return f"{'f4 lists what the vendor has. ' if target.pick else ''}{target.help}"


def _told(field: "Field | None", text: str) -> str:
    """What has to be told of a host that reads otherwise than it is looked up."""
    return told_of_address(text) if field is not None and field.kind in (FieldKind.HOST, FieldKind.URL) else ""


def _about(field: "Field") -> str:
    """What is asked, where it is found, and what else may be typed."""
    parts = (
        "" if field.required else "Optional.",
        field.help,
        f"Such as {field.example}" if field.example and not field.help else "",
        f"See step {field.guide} of the guide." if field.guide else "",
    )
    said = " ".join(filter(None, parts))
    return said if field.help else f"{said} {_SOURCES}".strip()
