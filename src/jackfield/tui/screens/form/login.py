"""Logging in at the vendor from a terminal: the address, the code or the page that comes back, and the wait."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from textual.app import ComposeResult
from textual.containers import Center
from textual.message import Message
from textual.screen import ModalScreen, Screen, ScreenResultCallbackType
from textual.widgets import Input

from jackfield.model.errors import JackfieldError
from jackfield.net.network import Network
from jackfield.services.engine import Engine, Job
from jackfield.services.logins import Prompt, Show, Way, ways
from jackfield.tui.keys import Place, bindings
from jackfield.tui.live import End, when_done
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.picker import Item, Picker
from jackfield.tui.widgets.prose import Prose, paragraph
from jackfield.tui.widgets.qr import QrCode
from jackfield.tui.widgets.text_input import TextInput
from jackfield.tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Method, Provider

Begin = Callable[[Network, Show, Awaitable[str]], Coroutine[Any, Any, Any]]
"""Logs in, in the engine's loop; the awaitable gives what the person pastes."""

BeginBy = Callable[[Network, Show, Awaitable[str], Way | None], Coroutine[Any, Any, Any]]
"""The same, by the way that was chosen; None is the best one."""

_WAYS: Final = {
    Way.DEVICE: ("By a code", "typed into any browser, on any device"),
    Way.BROWSER: ("By a browser", "of this machine, or of another"),
}


def open_login(
    screen: Screen[Any],
    provider: "Provider",
    method: "Method",
    engine: Engine,
    begin: BeginBy,
    done: ScreenResultCallbackType[Any],
) -> None:
    """Log in over this screen; where the method has a code and a browser, the person chooses first."""

    def chosen(way: str | None) -> None:
        if way is not None:
            known = Way(way) if way else None
            login = LoginScreen(
                provider.name, engine, lambda network, show, pasted: begin(network, show, pasted, known)
            )
            screen.app.push_screen(login, done)

    possible = [Item(way.value, *words) for way, words in _WAYS.items() if way in ways(method)]
    if len(possible) > 1:
        screen.app.push_screen(Picker("How do you log in?", possible), chosen)
    else:
        chosen("")


class _Room(Center):
    """Where a QR code goes, if there is one and it fits."""

    def render(self) -> str:
        return ""


class LoginScreen(ModalScreen[Any]):
    """Gives what the login gave, or None when it was left."""

    BINDINGS = [*bindings(Place.READING), ("escape", "dismiss(None)")]
    AUTO_FOCUS = None
    DEFAULT_CSS = """
    LoginScreen {
        background: $background;
        & > Prose { height: auto; padding: 1 2 0 2; }
        & > TextInput { margin: 1 2 0 2; display: none; }
        & > _Room { height: 1fr; align: center middle; }
    }
    """

    @dataclass
    class Prompted(Message):
        """The person has something to do."""

        prompt: Prompt

    @dataclass
    class Ended(Message):
        """The login is over."""

        end: End

    def __init__(self, vendor: str, engine: Engine, begin: Begin) -> None:
        super().__init__()
        self._vendor = vendor
        self._engine = engine
        self._begin = begin
        self._job: Job | None = None
        self._prompt: Prompt | None = None
        self._told = ""  # of the time that is left
        self._error: JackfieldError | None = None
        self._paste: Callable[[str], None] = lambda _: None

    def compose(self) -> ComposeResult:
        yield TitleBar("Log in", self._vendor)
        yield Prose(self._lines, can_focus=False)
        yield TextInput(placeholder="or paste the address that the browser ended at")
        yield _Room()
        yield KeyBar("app.back", words={"app.back": "cancel"})

    def on_mount(self) -> None:
        try:
            self._job = self._engine.run(self._log_in)
        except JackfieldError as error:
            self.post_message(self.Ended(End(error=error)))
        else:
            when_done(self._job, self, self.Ended)

    def on_unmount(self) -> None:
        if self._job is not None:
            self._job.cancel()

    async def _log_in(self, network: Network) -> object:
        """In the engine's loop."""
        loop = asyncio.get_running_loop()
        pasted: asyncio.Future[str] = loop.create_future()

        def paste(text: str) -> None:
            loop.call_soon_threadsafe(lambda: None if pasted.done() else pasted.set_result(text))

        self._paste = paste
        return await self._begin(network, lambda prompt: self._tell(self.Prompted(prompt)), pasted)

    def _tell(self, message: Message) -> None:
        self.post_message(message)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "write"

    def action_copy(self) -> None:
        if self._prompt is not None:
            self.app.copy_to_clipboard(self._prompt.url)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self._paste(event.value.strip())

    async def on_login_screen_prompted(self, event: Prompted) -> None:
        event.stop()
        self._prompt = event.prompt
        self._told = _left(event.prompt.expires_at)
        self.query_one(Prose).show(self._lines)
        self.query_one(KeyBar).show_actions("reading.copy-address", "app.back", words={"app.back": "cancel"})
        self.set_interval(1, self._tick)
        if event.prompt.way is not Way.DEVICE:
            self.query_one(TextInput).display = True
            self.screen.set_focus(self.query_one(TextInput))
            return
        code, room = QrCode(event.prompt.scanned), self.query_one(_Room).size
        if code.fits(room.width, room.height):
            await self.query_one(_Room).mount(code)

    def _tick(self) -> None:
        """Draw again when what is said of the time left is another."""
        if self._prompt is not None and self._error is None and self._told != _left(self._prompt.expires_at):
            self._told = _left(self._prompt.expires_at)
            self.query_one(Prose).show(self._lines)

    def on_login_screen_ended(self, event: Ended) -> None:
        event.stop()
        if event.end.error is None:
            self.dismiss(event.end.value)
            return
        self._error = event.end.error
        self.query_one(_Room).remove_children()
        self.query_one(TextInput).display = False
        self.query_one(Prose).show(self._lines)
        self.query_one(KeyBar).show_actions("app.back")

    def _lines(self, width: int) -> Iterator[Line]:
        prompt = self._prompt
        if self._error is not None:
            yield from paragraph(self._error.message, width, "failed", sign="✖ ")
            if self._error.next_step:
                yield from paragraph(self._error.next_step, width, first="→ ")
            return
        if prompt is None:
            yield (Span(f"Asking {self._vendor} …", "muted"),)
            return
        yield from paragraph(prompt.url, width, "accent", first="Open   ")
        if prompt.code:
            yield (Span("Type   "), Span(prompt.code, "strong"))
        yield ()
        how = (
            "Any browser will do, on any device."
            if prompt.way is Way.DEVICE
            else "A browser of this machine comes back by itself; from another, paste the address it ended at."
        )
        yield from paragraph(how, width, "muted")
        yield from paragraph(f"{self._told}; this goes on by itself.", width, "muted")


def _left(ends: datetime) -> str:
    """How long it holds, in whole minutes, and by ten seconds in the last one: seldom another text."""
    seconds = max(0, int((ends - datetime.now(UTC)).total_seconds()))
    if seconds > 60:
        minutes = -(-seconds // 60)
        return f"It holds for {minutes} minutes"
    return f"It holds for {-(-seconds // 10) * 10} seconds" if seconds else "Its time is over"
