"""The screens before the vault is open. They import nothing but Textual, so that they show at once."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static
from textual.worker import Worker

from jackfield.model.errors import JackfieldError
from jackfield.model.secret import Secret
from jackfield.tui.door import Door, Ways
from jackfield.tui.keys import BETWEEN_FIELDS, Place, bindings
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import literal
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.secret_input import SecretInput
from jackfield.tui.widgets.text_input import TextInput
from jackfield.tui.widgets.title_bar import TitleBar

_WHAT_A_VAULT_IS: Final = """\
Credentials of your organization's connections, sealed on this machine.

The vault is one folder. Everything in it, names and hosts as well as
secrets, is encrypted with keys that only your passphrase opens. Nobody
can recover it for you; a recovery key, shown once, can stand in."""
_WRITE_IT_DOWN: Final = """\
Write it down and keep it away from this machine. It opens the vault
without the passphrase, and it is not shown again.

Type  written  when you have it on paper, or  decline  to do without one:
whoever forgets the passphrase then loses everything in the vault."""
_WRITTEN: Final = "written"
_DECLINED: Final = "decline"

Open = Callable[[], Secret | None]
"""Opens the door, in a thread; gives the recovery key of a vault that it made."""


def judged(first: Secret, again: Secret) -> str:
    """How good a new passphrase is, and whether it was typed the same twice."""
    from jackfield.vault.passphrase import judge_passphrase

    judgement = judge_passphrase(first)
    same = "" if not again else " Both are the same." if first == again else " They are not the same yet."
    return f"{judgement.strength.value.capitalize()}: {judgement.reason}{same}"


class LockedScreen(WorkingScreen[None]):
    """What both doors share: one column in the middle, a line for what went wrong, the work in a thread."""

    LEADS_ON = False
    BINDINGS = [*BETWEEN_FIELDS]

    class Opened(Message):
        """The vault is open."""

    class Answered(Message):
        """The door answered: `error` is None when it opened, `recovery` is the recovery key of a new vault."""

        def __init__(self, error: JackfieldError | None, recovery: Secret | None = None) -> None:
            super().__init__()
            self.error = error
            self.recovery = recovery

    class Looked(Message):
        """The ways in are known."""

        def __init__(self, ways: Ways) -> None:
            super().__init__()
            self.ways = ways

    def __init__(self, door: Door) -> None:
        super().__init__(classes="locked")
        self._door = door
        self._busy = False

    def on_mount(self) -> None:
        # Not before the first paint: the thread would take the time for it.
        self.call_after_refresh(
            self.run_worker, self._look, thread=True, group="look", exit_on_error=False, name="look at the vault"
        )

    def _look(self) -> None:
        self.post_message(self.Looked(self._door.ways()))

    def on_locked_screen_looked(self, message: Looked) -> None:
        message.stop()
        notes = self.query_one("#notes", Static)
        notes.display = bool(message.ways.notes)
        notes.update(Content("\n".join(map(literal, message.ways.notes))))

    def _say(self, text: str, *, trouble: bool = False) -> None:
        line = self.query_one("#answer", Static)
        line.set_class(trouble, "trouble")
        line.update(Content(text))

    def _work(self, way: Open) -> None:
        """Open the door this way, unless it is being opened already."""
        if self._busy:
            return
        self._busy = True
        self._say("Deriving the keys: this takes about a second, on purpose.")
        self.run_worker(partial(self._answer, way), thread=True, group="door", exit_on_error=False, name="open")

    def _answer(self, way: Open) -> None:
        try:
            key = way()
        except JackfieldError as error:
            self.post_message(self.Answered(error))
        else:
            self.post_message(self.Answered(None, key))

    def after_fault(self, worker: Worker[Any]) -> None:
        if worker.group == "door":
            self.post_message(self.Answered(JackfieldError("It was not opened.", "Try again.")))

    def on_locked_screen_answered(self, message: Answered) -> None:
        message.stop()
        self._busy = False
        if message.error is not None:
            self._say(str(message.error), trouble=True)
            field = self.query(SecretInput).first()
            field.replace(Secret(""))
            self.screen.set_focus(field)
        elif message.recovery is not None:
            self.app.push_screen(RecoveryScreen(message.recovery, self._door.decline_recovery), self._settled)
        else:
            self.post_message(self.Opened())

    def _settled(self, _: None) -> None:
        self.post_message(self.Opened())

    def on_secret_input_copy_refused(self) -> None:
        tell(self, "A secret field is not copied from.")


class UnlockScreen(LockedScreen):
    """Asks for the passphrase, or for the recovery key instead."""

    BINDINGS = bindings(Place.DOOR)
    AUTO_FOCUS = "#passphrase"

    def __init__(self, door: Door, reason: str = "") -> None:
        """`reason` says why the vault was locked, when it locked itself."""
        super().__init__(door)
        self._reason = reason
        self._ways: Ways | None = None
        self._by_recovery = False

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", facts=("locked",))
        with Vertical(classes="door"):
            yield Static("Jackfield", classes="name", markup=False)
            yield Static(self._reason or "The vault is locked.", classes="about", markup=False)
            with Horizontal(classes="row"):
                yield Static("Passphrase", id="asked", classes="label", markup=False)
                yield SecretInput(id="passphrase")
            yield Static("", id="answer", markup=False)
            yield Static("", id="notes", markup=False)
        yield KeyBar("list.open", "secret.reveal", "app.quit", words={"list.open": "unlock"})

    def on_locked_screen_looked(self, message: LockedScreen.Looked) -> None:
        super().on_locked_screen_looked(message)
        self._ways = message.ways
        self._name_keys()

    def _name_keys(self) -> None:
        ways = self._ways
        offered = [
            *(("door.recovery",) if ways is not None and ways.recovery else ()),
            *(("door.keyring",) if ways is not None and ways.keyring else ()),
        ]
        other = "passphrase" if self._by_recovery else "recovery key"
        words = {"list.open": "unlock", "door.recovery": other, "door.keyring": "OS keyring"}
        self.query_one(KeyBar).show_actions("list.open", *offered, "secret.reveal", "app.quit", words=words)

    def on_secret_input_submitted(self, message: SecretInput.Submitted) -> None:
        value = message.control.value
        if not isinstance(value, Secret) or not value:
            self._say("Type the recovery key." if self._by_recovery else "Type the passphrase of this vault.")
        elif self._by_recovery:
            self._work(partial(self._door.unlock_with_recovery, value))
        else:
            self._work(partial(self._door.unlock, value))

    def action_recovery(self) -> None:
        """Ask for the other of passphrase and recovery key."""
        if self._ways is not None and not self._ways.recovery:
            self._say("This vault has no recovery key. Unlock it with the passphrase.", trouble=True)
            return
        self._by_recovery = not self._by_recovery
        self.query_one("#asked", Static).update(Content("Recovery key" if self._by_recovery else "Passphrase"))
        self._say("Eight groups of four; hyphens and case do not matter." if self._by_recovery else "")
        self.query_one(SecretInput).replace(Secret(""))
        self._name_keys()

    def action_keyring(self) -> None:
        if self._ways is not None and not self._ways.keyring:
            self._say("No OS keyring opens this vault here. Unlock it with the passphrase.", trouble=True)
        else:
            self._work(self._door.unlock_with_keyring)


class FirstRunScreen(LockedScreen):
    """Says what a vault is, and makes one."""

    BINDINGS = bindings(Place.FIRST_RUN)
    AUTO_FOCUS = "#passphrase"

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", facts=("first run",))
        with Vertical(classes="door"):
            yield Static("Jackfield", classes="name", markup=False)
            yield Static(_WHAT_A_VAULT_IS, classes="about", markup=False)
            with Horizontal(classes="row"):
                yield Static("Passphrase", classes="label", markup=False)
                yield SecretInput(id="passphrase")
            with Horizontal(classes="row"):
                yield Static("Again", classes="label", markup=False)
                yield SecretInput(id="again")
            yield Static("", id="answer", markup=False)
            yield Static("", id="notes", markup=False)
        yield KeyBar(
            "list.open",
            "door.demo",
            "secret.reveal",
            "app.quit",
            words={"list.open": "create", "door.demo": "try the demo instead"},
        )

    def on_secret_input_changed(self) -> None:
        first, again = self._typed()
        if not first:
            self._say("")
            return
        self._say(judged(first, again))

    def on_secret_input_submitted(self, message: SecretInput.Submitted) -> None:
        first, again = self._typed()
        if message.control.id == "passphrase" and not again:
            self.set_focus(self.query_one("#again"))  # now: what is typed next is meant for it
        elif first != again:
            self._say("The two are not the same: type the second again.", trouble=True)
        else:
            self._create(first)

    def _create(self, passphrase: Secret) -> None:
        from jackfield.vault.passphrase import require_passphrase

        try:
            require_passphrase(passphrase)
        except JackfieldError as error:
            self._say(str(error), trouble=True)
        else:
            self._work(partial(self._door.create, passphrase))

    def _typed(self) -> tuple[Secret, Secret]:
        first, again = (self.query_one(f"#{name}", SecretInput).value for name in ("passphrase", "again"))
        return (
            first if isinstance(first, Secret) else Secret(""),
            again if isinstance(again, Secret) else Secret(""),
        )


class RecoveryScreen(Screen[None]):
    """Shows the recovery key, once. It is left in words alone: a key pressed too long cannot close it."""

    BINDINGS = [("escape", "stay")]
    AUTO_FOCUS = "TextInput"

    def __init__(self, key: Secret, decline: Callable[[], None]) -> None:
        """`decline` takes the key's way in away again; it may raise JackfieldError."""
        super().__init__(classes="locked")
        self._key = key
        self._decline = decline

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", facts=("recovery key",))
        with Vertical(classes="door"):
            yield Static("Your recovery key", classes="name", markup=False)
            yield Static(self._key.reveal(), classes="key", markup=False)
            yield Static(_WRITE_IT_DOWN, classes="about", markup=False)
            yield TextInput(placeholder=f"{_WRITTEN} or {_DECLINED}", max_length=20)
            yield Static("", id="answer", markup=False)
        yield KeyBar("list.open", words={"list.open": "go on"})

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        word = event.value.strip().casefold()
        if word == _DECLINED:
            try:
                self._decline()
            except JackfieldError as error:
                self._say(str(error))
                return
        if word in (_WRITTEN, _DECLINED):
            self.dismiss(None)
        else:
            self._say(f"Type {_WRITTEN} or {_DECLINED}.")

    def action_stay(self) -> None:
        self._say(f"The key is not shown again. Type {_WRITTEN} or {_DECLINED}.")

    def _say(self, text: str) -> None:
        answer = self.query_one("#answer", Static)
        answer.add_class("trouble")
        answer.update(Content(text))
