"""The typed consent to a peer whose certificate nobody verifies."""

from collections.abc import Awaitable, Callable

from textual.screen import Screen

from jackfield.providers.contract.address import verification_switch
from jackfield.services.form import Form
from jackfield.text.hosts import told_of_host
from jackfield.tui.widgets.typed_confirm import TypedConfirm


class Agreeing:
    """Asks for the host to be typed; declined, the verification is on again."""

    def __init__(self, screen: Screen[str | None], form: Form) -> None:
        self._screen = screen
        self._form = form

    def ask(self, then: Callable[[bool], Awaitable[None]]) -> None:
        """Ask, and go on with whether the user agreed."""
        host = self._form.goes_unverified_to()

        async def answered(agreed: bool | None) -> None:  # noqa: FBT001 - the answer of a question
            if agreed:
                self._form.accept_unverified()
            else:
                self._form.type(verification_switch(self._form.provider, self._form.method), "true")
            await then(bool(agreed))

        consequences = (
            f"Whoever sits between here and {host} could take its place and read the secret.",
            *((f"That host {told}.",) if (told := told_of_host(host)) else ()),
            "The connection stays marked, and the trail keeps that it was switched off.",
            "Better: leave it on, and give the server's own certificate as the CA certificate.",
        )
        self._screen.app.push_screen(TypedConfirm("Connect without verifying TLS?", consequences, word=host), answered)
