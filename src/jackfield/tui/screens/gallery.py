"""Every provider, by category, and what was begun: the way to a new connection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input

from jackfield.model.connection import Scope
from jackfield.model.errors import JackfieldError
from jackfield.providers.contract.provider_file import ProviderFileError
from jackfield.providers.contract.registry import Summary, missing_driver
from jackfield.services.engine import Engine
from jackfield.services.form import Form
from jackfield.services.resuming import Begun, begun_forms, resume
from jackfield.services.session import Session
from jackfield.tui.fuzzy import best_matches
from jackfield.tui.keys import Place, bindings
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.times import ago
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.filtering import FilteringScreen
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, Span, literal
from jackfield.tui.widgets.notice import tell_error
from jackfield.tui.widgets.paged_list import Column, PagedList
from jackfield.tui.widgets.prose import Prose, paragraph
from jackfield.tui.widgets.rows import Rows
from jackfield.tui.widgets.text_input import TextInput
from jackfield.tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Provider

_BEGUN = "Begun"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A provider, or a form that was begun with one. `heading` is said in the first line of a group."""

    id: str
    slug: str
    heading: str
    title: str
    note: str = ""
    begun: Begun | None = None


class GalleryScreen(FilteringScreen[str | None]):
    """Chooses a provider and goes on to its form; gives the id of what was saved there, or None."""

    CSS_PATH = "../styles/gallery.tcss"
    BINDINGS = [*bindings(Place.GALLERY), ("escape", "leave")]

    @dataclass
    class _Read(Message):
        """The providers were read; `trouble` says what of the program's own could not be."""

        summaries: tuple[Summary, ...]
        trouble: str

    @dataclass
    class _Described(Message):
        """The provider at the cursor was read; None when its file cannot be used."""

        slug: str
        provider: "Provider | None"

    def __init__(self, session: Session, engine: Engine, scope: Scope | None = None) -> None:
        """`scope` is where a new connection belongs unless the user says otherwise."""
        super().__init__()
        self._session = session
        self._engine = engine
        self._scope = scope
        self._summaries: tuple[Summary, ...] = ()
        self._trouble = ""
        self._provider: Provider | None = None
        self._has_drafts = False

    def compose(self) -> ComposeResult:
        yield TitleBar("New connection", "choose a provider", id="title")
        yield TextInput(placeholder="Type a part of a name or a category")
        yield PagedList[_Entry](
            (
                Column("", lambda entry: Span(entry.heading, "muted"), width=22),
                Column("", lambda entry: Span(entry.title), share=3),
                Column("", lambda entry: Span(entry.note, "muted"), share=2, least=50),
            ),
            row_id=lambda entry: entry.id,
            empty="No provider matches. Your own goes into providers/ of your home, as YAML.",
        )
        yield Prose(self._about, id="about", can_focus=False)
        yield KeyBar("list.open", "app.back")

    def on_mount(self) -> None:
        self.run_worker(self._read, thread=True, group="gallery", exit_on_error=False)

    def on_screen_resume(self) -> None:
        if self._summaries:
            self._renew()

    @property
    def _filter(self) -> TextInput:
        return self.query_one(TextInput)

    # Reading

    def _read(self) -> None:
        try:
            found, trouble = self._session.registry.summaries(), ""
        except ProviderFileError as error:
            found, trouble = (), str(error.problem)
        self.post_message(self._Read(found, trouble))

    def on_gallery_screen__read(self, event: _Read) -> None:
        event.stop()
        self._summaries, self._trouble = event.summaries, event.trouble
        own = sum(summary.own for summary in self._summaries)
        facts = [f"{len(self._summaries)} providers", *([f"{own} of your own"] if own else [])]
        self.query_one("#title", TitleBar).show_place("New connection", "choose a provider", facts=facts)
        self._renew()

    def _renew(self) -> None:
        """Show what matches the filter: what was begun first, then by category; filtered, the likeliest first."""
        typed = self._filter.value
        entries: Sequence[_Entry] = list(self._entries())
        self._has_drafts = any(entry.begun is not None for entry in entries)
        self._show_keys()
        if typed.strip():
            entries = best_matches(entries, typed, lambda entry: (entry.title, entry.slug, entry.heading))
        else:
            entries = list(_headed(entries))
        self._list.load(Rows(entries, lambda entry: entry.id), keep=not typed.strip())

    def _entries(self) -> Iterator[_Entry]:
        for begun in begun_forms(self._session):
            named = f"{begun.provider_name} · {begun.name}" if begun.name else begun.provider_name
            what = "edit" if begun.edits else "new"
            yield _Entry(
                f"draft|{begun.draft.id}", begun.provider, _BEGUN, literal(named),
                f"{what}, left {ago(begun.left_at)} ago", begun,
            )  # fmt: skip
        for one in sorted(self._summaries, key=lambda one: (one.category.casefold(), one.name.casefold())):
            yield _Entry(one.slug, one.slug, literal(one.category), literal(one.name), _origin(one))

    # The filter

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the middle of what is typed the key of the filter is a character of it."""
        return action != "filter" or not self._filter.value

    def action_filter(self) -> None:
        self.set_focus(self._filter)

    def _show_keys(self) -> None:
        discard = ("gallery.discard",) if self._has_drafts else ()
        words = {"app.back": "show all"} if self._filter.value else {}
        self.query_one(KeyBar).show_actions("list.open", *discard, "app.back", words=words)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._summaries:
            self._renew()

    def action_leave(self) -> None:
        """Out of the filter, then out of the screen."""
        if self._filter.value:
            self._filter.value = ""
        else:
            self.dismiss(None)

    # The provider at the cursor

    def on_paged_list_highlighted(self, event: PagedList.Highlighted[_Entry]) -> None:
        event.stop()
        if event.row is None:
            self._provider = None
            self.query_one("#about", Prose).show(self._about)
        else:
            self.run_worker(
                partial(self._describe, event.row.slug), thread=True, exclusive=True, group="describe",
                exit_on_error=False,
            )  # fmt: skip

    def _describe(self, slug: str) -> None:
        try:
            provider = self._session.registry.get(slug)
        except (JackfieldError, ProviderFileError):
            provider = None
        self.post_message(self._Described(slug, provider))

    def on_gallery_screen__described(self, event: _Described) -> None:
        event.stop()
        row = self._list.highlighted
        if row is not None and row.slug == event.slug:
            self._provider = event.provider
            self.query_one("#about", Prose).show(self._about)

    def _about(self, width: int) -> Iterator[Line]:
        """The provider at the cursor, and the files of the user's own that cannot be used."""
        provider = self._provider
        if provider is not None:
            methods = ", ".join(method.name for method in provider.methods)
            yield from paragraph(methods, width, first=f"{literal(provider.name)}  ")
            yield from paragraph("; ".join(use.title for use in provider.uses), width, "muted")
            if command := missing_driver(provider):
                yield from paragraph(f"Its library is not installed here: {command}", width, "limited", sign="▲ ")
        for problem in [self._trouble, *map(str, self._session.registry.problems)]:
            if problem:
                yield from paragraph(f"Not usable: {problem}", width, "failed", sign="✖ ")

    # Opening

    def on_paged_list_activated(self, event: PagedList.Activated[_Entry]) -> None:
        event.stop()
        entry = event.row
        begun = entry.begun or next((one for one in begun_forms(self._session) if one.provider == entry.slug), None)
        if entry.begun is not None:
            self._open(entry.slug, entry.begun)
        elif begun is not None and not begun.edits:
            question = f"Go on with what you began {ago(begun.left_at)} ago?"
            ask = Confirm(question, ("No begins anew; what was begun stays in this list.",), yes="Go on")
            self.app.push_screen(ask, lambda wanted: self._open(entry.slug, begun if wanted else None))
        else:
            self._open(entry.slug, None)

    def _open(self, slug: str, begun: Begun | None) -> None:
        try:
            if begun is not None:
                form = resume(self._session, begun.draft)
            else:
                form = Form.new(self._session.registry.get(slug), self._scope)
        except JackfieldError as error:
            tell_error(self, error)
            return
        screen = FormScreen(self._session, self._engine, form, draft=begun.draft if begun else None)
        self.app.push_screen(screen, self._left)

    def _left(self, saved: str | None) -> None:
        if saved is not None:
            self.dismiss(saved)

    def action_discard(self) -> None:
        entry = self._list.highlighted
        if entry is not None and entry.begun is not None:
            draft = entry.begun.draft
            ask = Confirm(f"Forget this draft of {entry.title}?", ("What was typed is gone then.",), yes="Forget")
            self.app.push_screen(ask, lambda wanted: self._discard(draft.id) if wanted else None)

    def _discard(self, draft_id: str) -> None:
        self._session.drafts.discard(draft_id)
        self._renew()


def _origin(summary: Summary) -> str:
    """Whose provider it is, where it is not one of ours."""
    return "your own" if summary.own else literal(summary.package)


def _headed(entries: Sequence[_Entry]) -> Iterator[_Entry]:
    """The entries with each heading said once."""
    before = ""
    for entry in entries:
        repeated, before = entry.heading == before, entry.heading
        yield _Entry(entry.id, entry.slug, "" if repeated else entry.heading, entry.title, entry.note, entry.begun)
