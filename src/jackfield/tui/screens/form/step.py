"""What the four steps of the form share."""

from typing import ClassVar

from textual.containers import Vertical
from textual.message import Message

from jackfield.services.form import Form


class Step(Vertical):
    """One step over the form's state. It is made anew whenever it is shown, so that no two steps can disagree."""

    KEYS: ClassVar[tuple[str, ...]] = ()  # what the key bar shows
    WORDS: ClassVar[dict[str, str]] = {}
    ACTIONS: ClassVar[frozenset[str]] = frozenset()  # actions of the form that mean something here

    class Changed(Message):
        """The form's state is another one."""

    class Unconfirmed(Message):
        """Verification was just switched off, which asks for a typed consent."""

    class Done(Message):
        """The step is filled: go on."""

    def __init__(self, form: Form) -> None:
        super().__init__(classes="step")
        self.form = form

    def begin(self) -> None:
        """Put the focus where work begins."""

    def copyable(self) -> str:
        """What the copy key takes; empty when there is nothing."""
        return ""

    def changed(self) -> None:
        self.post_message(self.Changed())
