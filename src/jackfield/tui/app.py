"""The application: themes, keys, the clipboard, and how it ends. The screens hold everything else."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, ClassVar, Final

from rich.console import RenderableType
from textual.app import App
from textual.events import CursorPosition, Event, InputEvent, Key, Paste, Resize
from textual.geometry import Size
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.timer import Timer

from jackfield.model.errors import JackfieldError, LockedError
from jackfield.model.secret import Secret
from jackfield.services.idle import Idle, boot_seconds
from jackfield.services.link import SLOW_MS, Link, keep_link, kept_link
from jackfield.text import clean
from jackfield.tui.clipboard import SECRET_SECONDS, Clipboard
from jackfield.tui.crash import Crash, record_crash
from jackfield.tui.door import Door
from jackfield.tui.keys import Place, action, bindings, joined, key_shown, keys_of, read_key_map
from jackfield.tui.link import QUESTION, RoundTrips, in_words, link_picker
from jackfield.tui.screens.locked import FirstRunScreen, LockedScreen, UnlockScreen
from jackfield.tui.screens.too_small import TooSmall
from jackfield.tui.screens.working import Fault
from jackfield.tui.terminal import TerminalDriver
from jackfield.tui.themes import DEFAULT, PLAIN, Palette, chosen_theme, find_theme, remember_theme
from jackfield.tui.typed_ahead import settle
from jackfield.tui.widgets.notice import tell, tell_error

_UNDER: Final = 2  # screens that are always there: Textual's empty one, and the locked or the first open one
HUNG_UP: Final = 129  # the shell's code for a program ended by a hang-up
IDLE_LOOK_SECONDS: Final = 5.0  # so long after waking, a machine that slept may still show the screen
IDLE_CHOICES: Final = (1, 5, 15, 30, 60, 0)  # minutes; 0: never
SMALLEST: Final = (60, 12)  # columns and lines under which a message stands in for the screen


class JackfieldApp(App[int], inherit_bindings=False):
    """One full-screen session on one home folder."""

    TITLE = "Jackfield"
    CSS_PATH: ClassVar[Path] = Path(__file__).with_name("styles") / "app.tcss"
    BINDINGS = bindings(Place.EVERYWHERE, Place.GO)
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False

    def __init__(
        self,
        home: Path,
        door: Door,
        *,
        opened: Callable[[], Screen[None]],
        destination: Callable[[str], Screen[Any]] | None = None,
        clock: Callable[[], float] = boot_seconds,
        awake: Callable[[], float] = monotonic,
        mark: str = "",
        greeting: str | None = None,
        link: Link | None = None,
    ) -> None:
        """`opened` makes the screen behind the door, `destination` one that every other leads to, by its name.

        Both raise LockedError when the door is closed again. `awake` is a clock that stands still while the machine
        sleeps, and `clock` one that does not. `mark` stands in every title; `greeting` is told to who begins behind the
        door, which is open then; without it the door comes first. `link` is what is said of the line to the terminal
        for this time; else what was chosen for `home`.

        Raises UsageError when the key map in `home` cannot be used.
        """
        # Without colour nothing may be converted to shades either: the terminal's own default is all there is.
        super().__init__(driver_class=TerminalDriver, ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.home = home
        self.door = door
        self.crash: Crash | None = None
        self.demo_asked = False
        self.sub_title = mark
        self._greeting = greeting
        self.animation_level = "none"
        self.key_map = read_key_map(home / "keys.yaml")
        self.set_keymap({action_id: joined(keys) for action_id, keys in self.key_map.items()})
        self._opened = opened
        self._destination = destination
        self._idle = Idle(clock, awake)
        self._link = link or kept_link(home)
        self._round_trips: RoundTrips | None = None
        self._round_trip_ms: float | None = None
        self._theme_before: Palette | None = None  # while less is drawn: the theme without that
        self._clipboard_of: Clipboard | None = None
        self._forgetting: Timer | None = None
        self._trouble: JackfieldError | None = None
        others = list(self.available_themes)
        self.show_theme(self._first_theme())
        for name in others:
            self.unregister_theme(name)
        self.stylesheet.set_variables(self.get_css_variables())

    # The door

    def door_screen(self, reason: str = "") -> Screen[None]:
        """The screen in front of the closed door; `reason` says why it was closed."""
        return UnlockScreen(self.door, reason) if self.door.exists() else FirstRunScreen(self.door)

    def on_mount(self) -> None:
        self._obey_link()
        self.push_screen(self.door_screen() if self._greeting is None else self._opened())
        self._fit(self.size)
        if self._greeting:
            self.call_after_refresh(tell, self, self._greeting)
        self.call_after_refresh(self.run_worker, self.door.warm, thread=True, group="warm", exit_on_error=False)
        self.set_interval(IDLE_LOOK_SECONDS, self._lock_when_away)
        if self._trouble is not None:
            tell_error(self, self._trouble)

    def on_locked_screen_opened(self) -> None:
        try:
            screen, warnings = self._opened(), self.door.warnings()
        except LockedError:  # by then it was locked again, and that screen is there
            return
        self._replace_all(screen)
        for warning in warnings:  # once there is a screen to show them
            screen.call_after_refresh(tell, self, warning, severity="warning")

    def action_lock(self, reason: str = "") -> None:
        """Close the vault; every screen over the locked one goes, with what it shows."""
        self.workers.cancel_all()
        self.door.lock()
        self._forget_copied()
        self.clear_notifications()
        self._replace_all(self.door_screen(reason))

    def _replace_all(self, screen: Screen[None]) -> None:
        with self.batch_update():
            while len(self.screen_stack) > _UNDER:
                self.pop_screen()
            self.switch_screen(screen)
            self._preview_theme(self._palette)
        self._fit(self.size)

    def _lock_when_away(self) -> bool:
        """Lock when nobody touched a key for too long, or the machine slept; whether that was so.

        Where the user chose that it never locks by itself, it does not at sleep either.
        """
        minutes = self.door.idle_minutes
        if minutes is None:
            return False
        if self._idle.seconds >= minutes * 60:
            self.action_lock(f"Locked: no key was touched for {minutes} minute{'s' * (minutes > 1)}.")
        elif self._idle.slept:
            self.action_lock("Locked: the machine was asleep.")
        else:
            return False
        self._idle.touch()
        return True

    async def on_event(self, event: Event) -> None:
        """Note that somebody is there. What is typed after too long a time locks, and does nothing else."""
        if isinstance(event, InputEvent | Paste):
            if self._lock_when_away():
                return
            self._idle.touch()
        if isinstance(event, Key | Paste) and not event.is_forwarded:
            await settle(self)
            if isinstance(event, Key) and await self._acts(event):
                return
        await super().on_event(event)

    async def _acts(self, event: Key) -> bool:
        """Run what a key is bound to at once, unless it is typed where the focus is; whether it was.

        By Textual's own way the keys behind it would meanwhile go to the widget that has the focus before.
        """
        around = self.focused.ancestors_with_self if self.focused is not None else ()
        if any(node.check_consume_key(event.key, event.character) for node in around):
            return False
        return await self._check_bindings(event.key, priority=True) or await self._check_bindings(event.key)

    def action_idle(self) -> None:
        """Let the user choose how long the vault stays open unattended."""
        from jackfield.tui.widgets.picker import Item, Picker

        now = self.door.idle_minutes or 0
        words = {
            minutes: f"After {minutes} minute{'s' * (minutes > 1)}" if minutes else "Never" for minutes in IDLE_CHOICES
        }
        items = [Item(str(minutes), text, aside="now" * (minutes == now)) for minutes, text in words.items()]
        self.push_screen(Picker("Lock by itself when no key is touched", items), self._chose_idle)

    def _chose_idle(self, chosen: str | None) -> None:
        if chosen is None:
            return
        try:
            self.door.keep_idle_minutes(int(chosen) or None)
        except JackfieldError as error:
            tell_error(self, error)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "go":
            return self._destination is not None and getattr(self.screen, "LEADS_ON", False)
        return action != "idle" or not isinstance(self.screen, LockedScreen)

    def action_go(self, destination: str) -> None:
        """Go to one of the screens that every other leads to; what lay over the first one goes."""
        if self._destination is None:
            return
        try:
            screen = self._destination(destination)
        except JackfieldError as error:
            tell_error(self, error)
            return
        while len(self.screen_stack) > _UNDER:
            self.pop_screen()
        self.push_screen(screen)

    def hang_up(self) -> None:
        """The terminal is gone or the program is asked to end: lock, and leave without a word."""
        self.door.lock()
        self._forget_copied()
        self.exit(HUNG_UP)

    def action_demo(self) -> None:
        """Leave, and have the demo started instead."""
        self.demo_asked = True
        self.exit(0)

    async def action_quit(self) -> None:
        self.door.lock()
        self._forget_copied()
        self.exit(0)

    async def action_back(self) -> None:
        """Leave the screen on top, unless it is the only one."""
        if len(self.screen_stack) > _UNDER:
            self.pop_screen()

    # A terminal that is too small

    def on_resize(self, event: Resize) -> None:
        if isinstance(self._driver, TerminalDriver):
            self._driver.outlet.repaint()
        if len(self.screen_stack) >= _UNDER:
            self._fit(event.size)

    def _fit(self, size: Size) -> None:
        if not isinstance(self.screen, TooSmall) and (size.width < SMALLEST[0] or size.height < SMALLEST[1]):
            self.push_screen(TooSmall(*SMALLEST))

    # The line to the terminal

    @property
    def draws_less(self) -> bool:
        """Whether the line to the terminal is taken for slow."""
        return self._theme_before is not None

    @property
    def link_in_words(self) -> str:
        """How the line to the terminal is taken, and why."""
        return in_words(self._link, self._round_trip_ms)

    def _obey_link(self) -> None:
        """Draw as the choice says; where it is to be measured and was not, measure it once the screen is there."""
        measured = self._round_trip_ms
        self._draw_less(self._link is Link.SLOW or (self._link is Link.AUTO and (measured or 0) > SLOW_MS))
        driver = self._driver
        if self._link is Link.AUTO and self._round_trips is None and isinstance(driver, TerminalDriver):
            self._round_trips = RoundTrips(partial(driver.write, QUESTION), self._measured)
            self.call_after_refresh(self._round_trips.begin)

    def on_cursor_position(self, event: CursorPosition) -> None:
        if self._round_trips is not None:
            self._round_trips.answered(event.time)

    def _measured(self, ms: float) -> None:
        self._round_trip_ms = ms
        self._obey_link()
        if self.draws_less and self._link is Link.AUTO:
            key = key_shown(keys_of("app.link", self.key_map)[0])
            told = f"The line to the terminal is slow ({ms:.0f} ms there and back): less is drawn, in sixteen colours."
            tell(self, told, next_step=f"{key} changes that; jackfield --no-slow-link never does it.")

    def _draw_less(self, less: bool) -> None:  # noqa: FBT001  it is what the method is about
        if less is self.draws_less:
            return
        if isinstance(self._driver, TerminalDriver):
            self._driver.spare(less)
        before, self._theme_before = self._theme_before, self._palette if less else None
        if before is None:
            self.show_theme(find_theme(PLAIN, None))
        elif self._palette.name == PLAIN:  # else another one was chosen meanwhile
            self.show_theme(before)

    def action_link(self) -> None:
        """Let the user choose how the line to the terminal is taken, and keep the choice."""
        self.push_screen(link_picker(self._link, self._round_trip_ms), self._chose_link)

    def _chose_link(self, chosen: str | None) -> None:
        if chosen is None:
            return
        self._link = Link(chosen)
        self._obey_link()
        try:
            keep_link(self.home, self._link)
        except JackfieldError as error:
            tell_error(self, error)

    # Themes

    def _first_theme(self) -> Palette:
        try:
            return find_theme(chosen_theme(self.home, os.environ), self.home)
        except JackfieldError as error:
            self._trouble = error
            return find_theme(DEFAULT, None)

    def show_theme(self, palette: Palette) -> None:
        """Draw everything in this theme from now on."""
        self._palette = palette
        self._preview_theme(palette)

    def _preview_theme(self, palette: Palette) -> None:
        """Draw everything in this theme, until `show_theme` takes another."""
        changed = palette.theme()
        same_name = self.theme == palette.name and self.get_theme(palette.name) != changed
        self.register_theme(changed)
        self.theme = palette.name
        if same_name:  # its file was changed
            self.mutate_reactive(JackfieldApp.theme)

    def action_theme(self) -> None:
        """Let the user choose a theme, and keep the choice."""
        from jackfield.tui.screens.theme_picker import ThemePicker

        self.push_screen(ThemePicker(self.home, self._palette, self._preview_theme), self._chose_theme)

    def _chose_theme(self, name: str | None) -> None:
        try:
            if name is not None:
                self.show_theme(find_theme(name, self.home))
                remember_theme(self.home, name)
        except JackfieldError as error:
            tell_error(self, error)
        self._preview_theme(self._palette)

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

    def action_jump(self) -> None:
        """Put letters on everything that can be gone to; the same key takes them away."""
        from jackfield.tui.screens.jump import JumpScreen

        if isinstance(self.screen, JumpScreen):
            self.screen.dismiss(None)
        else:
            self.push_screen(JumpScreen(self.screen), lambda target: target.go() if target is not None else None)

    def action_help(self) -> None:
        """Show what the keys do."""
        from jackfield.tui.screens.help import HelpScreen

        ids = {active.binding.id for active in self.screen.active_bindings.values()}
        places = {action(name).place for name in ids if name}
        self.push_screen(HelpScreen(places, self.key_map))

    # Clipboard

    def copy(self, text: str | Secret) -> None:
        """Copy text; a secret is taken away again after 20 seconds, at lock, and when this program is gone."""
        driver = self._driver
        if not isinstance(driver, TerminalDriver):
            return
        if self._clipboard_of is None:
            self._clipboard_of = Clipboard(driver.write, terminal=driver.outlet.fileno())
        if self._forgetting is not None:
            self._forgetting.stop()
        # A thread that nobody waits for at the end: the tool of a display that is gone hangs.
        work = partial(self._copy, self._clipboard_of, text, self._clipboard_of.take_turn())
        Thread(target=work, name="clipboard", daemon=True).start()

    def _copy(self, clipboard: Clipboard, text: str | Secret, turn: int) -> None:
        """In a thread of its own."""
        try:
            said = clipboard.copy(text, turn)
        except JackfieldError as error:
            self.call_later(tell_error, self, error)
        except Exception as error:  # noqa: BLE001  the last line of this thread
            self.post_message(Fault(error))
        else:
            self.call_later(self._copied, said, is_secret=isinstance(text, Secret))

    def _copied(self, said: str, *, is_secret: bool) -> None:
        if said:
            self._forgetting = self.set_timer(SECRET_SECONDS, self._forget_copied) if is_secret else None
            tell(self, said)

    def _forget_copied(self) -> None:
        if self._clipboard_of is not None:
            self._clipboard_of.forget()

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

    def on_fault(self, fault: Fault) -> None:
        """A fault beside the interface: written down and told, and the session goes on."""
        crash = record_crash(fault.error, self.home)
        where = f"Where it happened is in {crash.path}." if crash.path else ""
        tell_error(self, JackfieldError(f"This did not work, by a fault of Jackfield's own ({crash.id}).", where))

    def _set_pointer_shape(self, shape: str) -> None:
        """The mouse pointer keeps its shape: changing it takes a sequence that this program does not send."""
