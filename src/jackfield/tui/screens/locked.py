"""The screens before the vault is open. They import nothing but Textual, so that they show at once."""

from functools import partial
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from jackfield.model.errors import JackfieldError
from jackfield.model.secret import Secret
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.secret_input import SecretInput
from jackfield.tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from jackfield.tui.app import Door

_WHAT_A_VAULT_IS: Final = """\
Credentials of your organization's connections, sealed on this machine.

The vault is one folder. Everything in it, names and hosts as well as
secrets, is encrypted with keys that only your passphrase opens. Nobody
can recover it for you; a recovery key, shown once, can stand in."""


class LockedScreen(Screen[None]):
    """What both doors share: one column in the middle, a line for what went wrong, the work in a thread."""

    class Opened(Message):
        """The vault is open."""

    class Answered(Message):
        """The door answered: `error` is None when it opened, `recovery` is the recovery key of a new vault."""

        def __init__(self, error: JackfieldError | None, recovery: Secret | None = None) -> None:
            super().__init__()
            self.error = error
            self.recovery = recovery

    def __init__(self, door: "Door") -> None:
        super().__init__(classes="locked")
        self._door = door
        self._busy = False

    def _say(self, text: str, *, trouble: bool = False) -> None:
        line = self.query_one("#answer", Static)
        line.set_class(trouble, "trouble")
        line.update(Content(text))

    def _ask(self, create: bool, passphrase: Secret, recovery: bool) -> None:  # noqa: FBT001  called through partial
        try:
            key = None
            if create:
                key = self._door.create(passphrase, recovery=recovery)
            else:
                self._door.unlock(passphrase)
        except JackfieldError as error:
            self.post_message(self.Answered(error))
        else:
            self.post_message(self.Answered(None, key))

    def _work(self, *, create: bool, passphrase: Secret, recovery: bool = False) -> None:
        if self._busy:
            return
        self._busy = True
        self._say("Deriving the keys: this takes about a second, on purpose.")
        self.run_worker(partial(self._ask, create, passphrase, recovery), thread=True, group="door")

    def on_locked_screen_answered(self, message: Answered) -> None:
        message.stop()
        self._busy = False
        if message.error is not None:
            self._say(str(message.error), trouble=True)
            field = self.query(SecretInput).first()
            field.replace(Secret(""))
            field.focus()
        elif message.recovery is not None:
            self.app.push_screen(RecoveryScreen(message.recovery), self._written_down)
        else:
            self.post_message(self.Opened())

    def _written_down(self, _: None) -> None:
        self.post_message(self.Opened())

    def on_secret_input_copy_refused(self) -> None:
        tell(self, "A secret field is not copied from.")


class UnlockScreen(LockedScreen):
    """Asks for the passphrase."""

    AUTO_FOCUS = "#passphrase"

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", facts=("locked",))
        with Vertical(classes="door"):
            yield Static("Jackfield", classes="name", markup=False)
            yield Static("The vault is locked.", classes="about", markup=False)
            with Horizontal(classes="row"):
                yield Static("Passphrase", classes="label", markup=False)
                yield SecretInput(id="passphrase")
            yield Static("", id="answer", markup=False)
        yield KeyBar("list.open", "secret.reveal", "app.quit", words={"list.open": "unlock"})

    def on_secret_input_submitted(self, message: SecretInput.Submitted) -> None:
        value = message.control.value
        if isinstance(value, Secret) and value:
            self._work(create=False, passphrase=value)
        else:
            self._say("Type the passphrase of this vault.", trouble=True)


class FirstRunScreen(LockedScreen):
    """Says what a vault is, and makes one."""

    AUTO_FOCUS = "#passphrase"

    def compose(self) -> ComposeResult:
        from jackfield.tui.widgets.choice import Toggle

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
            yield Toggle("Make a recovery key", on=True, note="it stands in for a forgotten passphrase", id="recovery")
        yield KeyBar("list.open", "secret.reveal", "app.quit", words={"list.open": "create"})

    def on_secret_input_changed(self) -> None:
        first, again = self._typed()
        if not first:
            self._say("")
            return
        from jackfield.vault.passphrase import judge_passphrase

        judgement = judge_passphrase(first)
        same = "" if not again else " Both are the same." if first == again else " They are not the same yet."
        self._say(f"{judgement.strength.value.capitalize()}: {judgement.reason}{same}")

    def on_secret_input_submitted(self, message: SecretInput.Submitted) -> None:
        first, again = self._typed()
        if message.control.id == "passphrase" and not again:
            self.query_one("#again").focus()
        elif first != again:
            self._say("The two are not the same: type the second again.", trouble=True)
        else:
            self._create(first)

    def on_choice_list_accepted(self) -> None:
        first, again = self._typed()
        if first and first == again:
            self._create(first)

    def _create(self, passphrase: Secret) -> None:
        from jackfield.tui.widgets.choice import Toggle
        from jackfield.vault.passphrase import require_passphrase

        try:
            require_passphrase(passphrase)
        except JackfieldError as error:
            self._say(str(error), trouble=True)
        else:
            self._work(create=True, passphrase=passphrase, recovery=self.query_one(Toggle).on)

    def _typed(self) -> tuple[Secret, Secret]:
        first, again = (self.query_one(f"#{name}", SecretInput).value for name in ("passphrase", "again"))
        return (
            first if isinstance(first, Secret) else Secret(""),
            again if isinstance(again, Secret) else Secret(""),
        )


class RecoveryScreen(Screen[None]):
    """Shows the recovery key, once."""

    BINDINGS = [("enter", "dismiss(None)")]

    def __init__(self, key: Secret) -> None:
        super().__init__(classes="locked")
        self._key = key

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", facts=("recovery key",))
        with Vertical(classes="door"):
            yield Static("Your recovery key", classes="name", markup=False)
            yield Static(self._key.reveal(), classes="key", markup=False)
            yield Static(
                "Write it down and keep it away from this machine. It opens the vault\n"
                "without the passphrase, and it is not shown again.",
                classes="about",
                markup=False,
            )
        yield KeyBar("list.open", words={"list.open": "I have written it down"})
