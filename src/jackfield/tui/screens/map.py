"""The map: what each project runs, the connection that this uses, and who that is at the vendor."""

from asyncio import to_thread
from collections.abc import Iterator

from textual.app import ComposeResult

from jackfield.model.errors import JackfieldError
from jackfield.services.engine import Engine
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.services.usage import Kind, Link, Node, losses
from jackfield.tui.screens.connections_place import describe
from jackfield.tui.screens.detail.screen import DetailScreen
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, LineView, Span
from jackfield.tui.widgets.prose import Prose, paragraph
from jackfield.tui.widgets.title_bar import TitleBar
from jackfield.tui.widgets.usage_map import UsageMap

_EMPTY = "Nothing to draw yet: a connection is made in the list with n, and what uses it shows here."


class MapScreen(WorkingScreen[None]):
    """Select anything to see what would stop working without it."""

    AUTO_FOCUS = "UsageMap"
    DEFAULT_CSS = """
    MapScreen {
        & > UsageMap { padding: 1 0 0 0; }
        & > #rule { height: 1; hatch: "─" $rule; }
        & > #losses { height: 7; }
    }
    """

    def __init__(self, session: Session, engine: Engine) -> None:
        super().__init__()
        self._session = session
        self._engine = engine
        self._links: tuple[Link, ...] = ()

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", "map")
        yield UsageMap()
        yield LineView(id="rule")
        yield Prose(id="losses", can_focus=False)
        yield KeyBar(
            "list.up", "list.down", "map.left", "map.right", "list.open", "app.back", words={"list.open": "connection"}
        )

    def on_screen_resume(self) -> None:
        self.work(self._read, group="read", exclusive=True)

    async def _read(self) -> None:
        place = await to_thread(lambda: describe(self._session, Settings(self._session.store).place()))
        found = await to_thread(self._session.usage.map, place.scope)
        self._links = found.links
        connections = len({link.connection for link in self._links})
        uses = sum(link.use is not None for link in self._links)
        cut = ("not all of it: choose a project with o",) if found.cut else ()
        facts = (f"{uses} use{'s' * (uses != 1)} of {connections} connection{'s' * (connections != 1)}", *cut)
        self.query_one(TitleBar).show_place("Jackfield", *place.words, "map", facts=facts)
        self.query_one(UsageMap).show_links(self._links)
        if not self._links:
            self.query_one("#losses", Prose).show(lambda width: paragraph(_EMPTY, width, "muted"))

    def on_usage_map_selected(self, event: UsageMap.Selected) -> None:
        event.stop()
        node = event.node
        if node is not None:
            self.query_one("#losses", Prose).show(lambda width: _told(self._links, node, width))

    def on_usage_map_activated(self, event: UsageMap.Activated) -> None:
        event.stop()
        try:
            self.app.push_screen(DetailScreen(self._session, self._engine, event.link.connection.id))
        except JackfieldError as error:
            self.after_error(error)


def _told(links: tuple[Link, ...], node: Node, width: int) -> Iterator[Line]:
    """What would stop without this node, or what it needs itself."""
    if node.kind is Kind.USE:
        needs = next(link for link in links if link.use == node)
        yield (Span(node.name, "strong"), Span(f" needs {needs.connection.name}, which is {needs.account.name}."))
        yield from paragraph("Nothing else on the map needs it.", width, "muted")
        return
    lost = losses(links, node)
    yield (Span(f"If {node.name} goes"), Span(":" if lost else ", nothing on the map stops working."))
    room = 5
    shown = lost if len(lost) <= room else lost[: room - 1]
    for line in shown:
        yield from paragraph(line, width, "failed", sign="  ✖ ")
    if len(shown) < len(lost):
        yield (Span(f"  … and {len(lost) - len(shown)} more", "muted"),)
