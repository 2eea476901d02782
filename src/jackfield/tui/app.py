"""The application: themes, keys, the clipboard, and how it ends. The screens hold everything else."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final, Protocol

from rich.console import RenderableType
from textual.app import App
from textual.events import Resize
from textual.notifications import SeverityLevel
from textual.screen import Screen

from jackfield.model.errors import JackfieldError
from jackfield.model.secret import Secret
from jackfield.text import clean
from jackfield.tui.crash import Crash, record_crash
from jackfield.tui.keys import Place, action, bindings, key_shown, keys_of, read_key_map
from jackfield.tui.screens.locked import FirstRunScreen, UnlockScreen
from jackfield.tui.screens.too_small import TooSmall
from jackfield.tui.terminal import TerminalDriver
from jackfield.tui.themes import DEFAULT, Palette, chosen_theme, find_theme, remember_theme, theme_files
from jackfield.tui.widgets.notice import tell, tell_error

_UNDER: Final = 2  # screens that are always there: Textual's empty one, and the locked or the first open one
HUNG_UP: Final = 129  # the shell's code for a program ended by a hang-up
CLIPBOARD_SECONDS: Final = 20.0
SMALLEST: Final = (60, 12)  # columns and lines under which a message stands in for the screen


class Door(Protocol):
    """The way to the vault. `create`, `unlock` and `warm` may take a second: they are called in a thread."""

    def exists(self) -> bool:
        """Whether there is a vault to open."""

    def create(self, passphrase: Secret, *, recovery: bool) -> Secret | None:
        """Make the vault; gives the recovery key, to be shown once. Raises JackfieldError."""

    def unlock(self, passphrase: Secret) -> None:
        """Open the vault. Raises WrongPassphrase and other JackfieldErrors."""

    def lock(self) -> None:
        """Cancel what runs and forget the keys. Never raises, and may be called when it is closed."""

    def warm(self) -> None:
        """Load what opening will need, while the passphrase is typed."""


class JackfieldApp(App[int], inherit_bindings=False):
    """One full-screen session on one home folder."""

    TITLE = "Jackfield"
    CSS_PATH: ClassVar[Path] = Path(__file__).with_name("styles") / "app.tcss"
    BINDINGS = bindings(Place.EVERYWHERE)
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False

    def __init__(self, home: Path, door: Door, *, opened: Callable[[], Screen[None]]) -> None:
        """`opened` makes the screen behind the door. Raises UsageError when the key map in `home` cannot be used."""
        # Without colour nothing may be converted to shades either: the terminal's own default is all there is.
        super().__init__(driver_class=TerminalDriver, ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.home = home
        self.door = door
        self.crash: Crash | None = None
        self.animation_level = "none"
        self.key_map = read_key_map(home / "keys.yaml")
        self.set_keymap({action_id: ",".join(keys) for action_id, keys in self.key_map.items()})
        self._opened = opened
        self._copied = 0
        self._trouble: JackfieldError | None = None
        others = list(self.available_themes)
        self.show_theme(self._first_theme())
        for name in others:
            self.unregister_theme(name)
        self.stylesheet.set_variables(self.get_css_variables())

    # The door

    def door_screen(self) -> Screen[None]:
        """The screen in front of the closed door."""
        return UnlockScreen(self.door) if self.door.exists() else FirstRunScreen(self.door)

    def on_mount(self) -> None:
        self.push_screen(self.door_screen())
        self.call_after_refresh(self.run_worker, self.door.warm, thread=True, group="warm", exit_on_error=False)
        if self._trouble is not None:
            tell_error(self, self._trouble)

    def on_locked_screen_opened(self) -> None:
        self.switch_screen(self._opened())

    def action_lock(self) -> None:
        """Close the vault; every screen over the locked one goes, with what it shows."""
        self.workers.cancel_all()
        self.door.lock()
        self._forget_copied(self._copied)
        self.clear_notifications()
        with self.batch_update():
            while len(self.screen_stack) > _UNDER:
                self.pop_screen()
            self.switch_screen(self.door_screen())

    def hang_up(self) -> None:
        """The terminal is gone or the program is asked to end: lock, and leave without a word."""
        self.door.lock()
        self.exit(HUNG_UP)

    async def action_quit(self) -> None:
        self.door.lock()
        self._forget_copied(self._copied)
        self.exit(0)

    async def action_back(self) -> None:
        """Leave the screen on top, unless it is the only one."""
        if len(self.screen_stack) > _UNDER:
            self.pop_screen()

    # A terminal that is too small

    def on_resize(self, event: Resize) -> None:
        small = event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1]
        shown = isinstance(self.screen, TooSmall)
        if small and not shown:
            self.push_screen(TooSmall(*SMALLEST))
        elif shown and not small:
            self.pop_screen()

    # Themes

    def _first_theme(self) -> Palette:
        try:
            return find_theme(chosen_theme(self.home, os.environ), self.home)
        except JackfieldError as error:
            self._trouble = error
            return find_theme(DEFAULT, None)

    def show_theme(self, palette: Palette) -> None:
        """Draw everything in this theme from now on."""
        self.register_theme(palette.theme())
        self.theme = palette.name

    def action_theme(self) -> None:
        """Let the user choose a theme, and keep the choice."""
        from jackfield.tui.widgets.picker import Item, Picker

        items = [Item(name, name.replace("-", " ").capitalize()) for name in theme_files(self.home)]
        self.push_screen(Picker("Choose a theme", items), self._chose_theme)

    def _chose_theme(self, name: str | None) -> None:
        if name is None:
            return
        try:
            self.show_theme(find_theme(name, self.home))
            remember_theme(self.home, name)
        except JackfieldError as error:
            tell_error(self, error)

    # Every action, and what it does

    def action_palette(self) -> None:
        """Offer every action that applies on the screen below."""
        from jackfield.tui.widgets.picker import Item, Picker

        reachable = {active.binding.id for active in self.screen.active_bindings.values() if active.enabled}
        found = [action(name) for name in sorted(filter(None, reachable))]
        items = [
            Item(each.id, each.title, each.help, key_shown(keys_of(each.id, self.key_map)[0]))
            for each in found
            if each.in_palette
        ]
        self.push_screen(Picker("What do you want to do?", items), self._run_picked)

    async def _run_picked(self, action_id: str | None) -> None:
        if action_id is None:
            return
        for active in self.screen.active_bindings.values():
            if active.binding.id == action_id:
                await self.run_action(active.binding.action, active.node)
                return

    def action_help(self) -> None:
        """Show what the keys do."""
        from jackfield.tui.screens.help import HelpScreen

        ids = {active.binding.id for active in self.screen.active_bindings.values()}
        places = {action(name).place for name in ids if name}
        self.push_screen(HelpScreen(places, self.key_map))

    # Clipboard

    def copy(self, text: str | Secret) -> None:
        """Send text to the terminal's clipboard; a secret is cleared after 20 seconds unless we copied again."""
        driver = self._driver
        if not isinstance(driver, TerminalDriver):
            return
        secret = isinstance(text, Secret)
        try:
            driver.copy(text.reveal() if isinstance(text, Secret) else text)
        except JackfieldError as error:
            tell_error(self, error)
            return
        self._copied += 1
        if secret:
            self.set_timer(CLIPBOARD_SECONDS, lambda turn=self._copied: self._forget_copied(turn))
        tell(self, "Sent to the terminal's clipboard" + (" for 20 seconds." if secret else "."))

    def _forget_copied(self, turn: int) -> None:
        """Empty the clipboard if the last thing copied was of that turn and a secret is in it still."""
        if turn and turn == self._copied and isinstance(self._driver, TerminalDriver):
            self._driver.copy("")
            self._copied = 0

    def copy_to_clipboard(self, text: str) -> None:
        """What Textual's own inputs call."""
        self._clipboard = text
        self.copy(text)

    # What Textual would do otherwise

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        super().notify(clean(message).text, title=clean(title).text, severity=severity, timeout=timeout, markup=False)

    def panic(self, *renderables: RenderableType) -> None:
        self._handle_exception(RuntimeError("the interface stopped itself"))

    def _handle_exception(self, error: Exception) -> None:
        """Keep the place of the fault, never its values, and leave; Textual would print a traceback with locals."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self.crash = record_crash(error, self.home)
            self.door.lock()
            self._exception_event.set()
        self._close_messages_no_wait()

    def _set_pointer_shape(self, shape: str) -> None:
        """The mouse pointer keeps its shape: changing it takes a sequence that this program does not send."""
