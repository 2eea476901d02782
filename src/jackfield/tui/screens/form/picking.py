"""Choosing a target's value from what the vendor has."""

from dataclasses import dataclass

from textual.message import Message
from textual.screen import Screen

from jackfield.model.errors import InvalidField, JackfieldError
from jackfield.services.asking import picks_for
from jackfield.services.engine import Engine
from jackfield.services.form import Form
from jackfield.services.session import Session
from jackfield.services.trial import draft_to_ask
from jackfield.tui.live import End, when_done
from jackfield.tui.screens.form.rows import FormRow
from jackfield.tui.widgets.notice import tell, tell_error
from jackfield.tui.widgets.picker import Item, Picker


@dataclass
class Picked(Message):
    """The vendor answered what the value of a row may be."""

    row: FormRow
    end: End


class TargetPicking:
    """Asks the vendor with the credential in the form; the answer comes to the screen as `Picked`."""

    def __init__(self, screen: Screen[str | None], session: Session, engine: Engine, form: Form) -> None:
        self._screen = screen
        self._session = session
        self._engine = engine
        self._form = form

    def ask(self, row: FormRow) -> None:
        """Ask for the values of a target's row."""
        use_id, _, name = row.key.partition("|")
        try:
            draft = draft_to_ask(self._session, self._form)
            job = self._engine.run(lambda network: picks_for(self._session, draft, use_id, name, network))
        except InvalidField:
            tell(self._screen, "The vendor can be asked once there is a credential: fill in step 3 first.")
        except JackfieldError as error:
            tell_error(self._screen, error)
        else:
            tell(self._screen, f"Asked {self._form.provider.name}; the list comes when it answers.")
            when_done(job, self._screen, lambda end: Picked(row, end))

    def offer(self, event: Picked) -> None:
        """Show the vendor's answer, unless the row or the screen is gone by now."""
        if not (event.row.is_mounted and self._screen.is_current):
            return
        self._screen.app.clear_notifications()
        if event.end.error is not None:
            tell_error(self._screen, event.end.error)
        elif event.end.value is not None:
            items = [Item(pick.value, pick.label, pick.lacks or pick.value) for pick in event.end.value]
            empty = "The vendor has none that this credential sees."
            self._screen.app.push_screen(
                Picker("Choose one", items, empty=empty), lambda chosen: self._put(event.row, chosen)
            )

    def _put(self, row: FormRow, value: str | None) -> None:
        """Take a picked value; where several may stand it is added to them."""
        use_id, _, name = row.key.partition("|")
        if value is None or not row.is_mounted:
            return
        if self._form.provider.use(use_id).target[name].many and row.text.strip():
            value = f"{row.text.strip().rstrip(',')}, {value}"
        row.replace(value)
