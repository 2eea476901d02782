"""The list of connections: what it shows, how it is filtered and ordered, and what its keys do."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from textual.worker import WorkerFailed

from jackfield.model.check import EvidenceKind, Grant, GrantState
from jackfield.model.errors import HomeError, NotFound
from jackfield.services.connections import ConnectionList
from jackfield.services.list_view import ListView
from jackfield.services.session import Session
from jackfield.tui.screens import connections as connections_screen
from jackfield.tui.screens.connections_arrival import greetings
from jackfield.tui.screens.connections_list import ConnectionRows
from jackfield.tui.screens.connections_pane import CANNOT_BE_READ, look, sentence
from jackfield.tui.screens.connections_tests import Notice
from jackfield.tui.screens.detail.screen import DetailScreen
from jackfield.tui.screens.form.screen import FormScreen
from jackfield.tui.screens.gallery import GalleryScreen
from jackfield.tui.widgets.paged_list import PagedList
from jackfield.tui.widgets.text_input import TextInput
from jackfield.tui.widgets.typed_confirm import TypedConfirm
from support.face import until
from support.stage import PASSPHRASE, said, shows
from support.whole import USE, Filling, Whole, enter, result_of

SIZE = (100, 30)
WAIT = 20.0  # seconds


@pytest.fixture
def filling(tmp_path: Path) -> Iterator[Filling]:
    made = Filling.of(tmp_path)
    yield made
    made.session.lock()


def _names(app: Whole) -> list[str]:
    """The names in the list, top to bottom."""
    return [line.split()[0] for line in said(app).splitlines() if "Netlify" in line and "·" not in line]


async def test_each_state_has_its_word_and_a_pass_with_doubt_is_not_green(filling: Filling) -> None:
    """Word, symbol and tone by state; what could not be verified is counted beside the pass."""
    filling.one_of_each()
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await shows(pilot, "✔ passed", "◐ passed (1)", "▲ limited", "? unproven", "✖ rejected", "○ untested")
        await shows(pilot, "acme › all projects", "6 connections", "4 need you", "23d", "expired", "2m")
        row = next(row for row in screen._list._pages[0] if row.name == "partly-site")
        state = next(column for column in screen._list._columns if column.title == "State").render(row)
        assert state.tone == "limited"


async def test_what_a_start_has_to_say_is_said_whatever_is_looked_at_meanwhile(
    filling: Filling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another screen is opened and left while it is still being read."""
    filling.one_of_each()
    reads, go_on = Event(), Event()

    def slowly(session: Session) -> Iterator[Notice]:
        reads.set()
        go_on.wait(WAIT)  # not for ever: the thread outlives a test that fails
        return greetings(session)

    monkeypatch.setattr(connections_screen, "greetings", slowly)
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await pilot.press(*PASSPHRASE.reveal(), "enter")
        await until(pilot, reads.is_set, turns=3000)
        await shows(pilot, "6 connections")
        await pilot.press("question_mark")
        await shows(pilot, "In a list")
        await pilot.press("escape")
        await shows(pilot, "6 connections")
        await pilot.pause()
        go_on.set()
        await shows(pilot, "Credentials end:")


async def test_the_pane_says_what_the_highlighted_one_is(filling: Filling) -> None:
    """Who it is, the outcome in a sentence, the worst rows with their evidence, the next step, what uses it."""
    made = filling.one_of_each()
    filling.session.connections.record_use(made["limited"], kind="exec", name="deploy.sh")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "Netlify does not know this token.", "→ Make a new one (step 1).")
        await pilot.press("down")
        await shows(pilot, "1 of 2 permissions that its uses need is missing", "ada@example.com", "org: 1")
        await shows(pilot, "MISSING", "answered", "your role is Reviewer", "expired (typed)")
        await pilot.press("down")
        await shows(pilot, "1 of 2 needed permissions are held; 1 could not be verified")


async def test_a_run_of_moves_reads_the_pane_once(filling: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moving costs no reading: the pane follows when the keys rest."""
    for number in range(12):
        filling.connection(f"site-{number}")
    looked: list[str] = []
    monkeypatch.setattr(
        "jackfield.tui.screens.connections.look",
        lambda session, connection_id: looked.append(connection_id) or look(session, connection_id),
    )
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await until(pilot, lambda: looked, turns=3000)
        looked.clear()
        await pilot.press(*["down"] * 9)
        await until(pilot, lambda: looked, turns=3000)
        assert len(looked) < 5


async def test_a_filter_narrows_while_it_is_typed(filling: Filling) -> None:
    """Each key shows what matches so far; esc leaves the field with its text, then lifts it; / offers it again."""
    filling.one_of_each()
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("slash", *"state:limited")
        await until(pilot, lambda: screen._list.count == 1)
        assert _names(app) == ["limited-site"]
        await pilot.press("escape")
        assert screen._list.has_focus
        assert screen._list.count == 1
        await pilot.press("escape")
        await until(pilot, lambda: screen._list.count == 6)
        await pilot.press("slash")
        await until(pilot, lambda: screen._list.count == 1)
        assert screen.query_one(TextInput).value == "state:limited"


async def test_a_filter_that_is_none_says_why_and_what_to_do(filling: Filling) -> None:
    """The reason stands in the line, the possible values under the list; the rows stay as they were."""
    filling.one_of_each()
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        screen.query_one(TextInput).value = "state:green"
        await shows(pilot, "There is no state green.", "Use one of passed, limited,")
        assert screen._list.count == 6
        screen.query_one(TextInput).value = "[/] {0} \x1b[2J"
        await shows(pilot, "Nothing matches the filter")


async def test_sorting_goes_through_the_columns(filling: Filling) -> None:
    """s takes the next column, S turns it round; the header says which."""
    filling.one_of_each()
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        assert _names(app)[0] == "failed-site"
        await pilot.press("S")
        await shows(pilot, "Name ↓")
        await until(pilot, lambda: _names(app)[0] == "untested-site")
        await pilot.press("s")
        await shows(pilot, "State ↑")
        await until(pilot, lambda: _names(app)[:2] == ["untested-site", "failed-site"])
    view = ListView()
    for _ in range(5):
        view = view.next_order()
    assert view == ListView()


@pytest.mark.parametrize("descending", [False, True])
def test_any_page_is_read_whichever_was_read_before(filling: Filling, *, descending: bool) -> None:
    """Pages by position are the list, however one jumps."""
    for number in range(23):
        filling.connection(f"site-{number:02}")
    connections, wanted = filling.session.connections, ConnectionList(descending=descending)
    whole = connections.page(wanted)
    for starts in ((0, 5, 10, 15, 20), (20, 15, 10, 5, 0), (10, 0, 20, 5, 15)):
        rows = ConnectionRows(connections, wanted)
        assert rows.count() == 23
        for start in starts:
            assert rows.page(start, 5) == whole[start : start + 5]
        assert rows.page(23, 5) == ()
        assert rows.ids() == [row.id for row in whole]
        assert [rows.position(row.id) for row in whole] == list(range(23))


async def test_the_id_is_copied_and_the_other_screens_open(filling: Filling) -> None:
    """y sends the id; enter, e and n lead on, and escape leads back to the same row."""
    made = filling.connection("a-site")
    filling.connection("b-site")
    app = Whole(filling.home)
    copied: list[str] = []
    app.copy_to_clipboard = copied.append  # type: ignore[method-assign]  # there is no terminal to send it to
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("y")
        assert copied == [made.id]
        await pilot.press("down")
        for key, kind in (("enter", DetailScreen), ("e", FormScreen), ("n", GalleryScreen)):
            await pilot.press(key)
            await until(pilot, lambda kind=kind: isinstance(app.screen, kind), turns=3000)
            await app.workers.wait_for_complete()
            await pilot.press("escape")
            await until(pilot, lambda: app.screen is screen, turns=3000)
        assert screen._list.highlighted is not None
        assert screen._list.highlighted.name == "b-site"


async def test_deleting_asks_and_no_is_the_answer_at_hand(filling: Filling) -> None:
    """Enter keeps it; y deletes what nothing uses."""
    filling.connection("gone")
    filling.connection("kept")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("d")
        await shows(pilot, "Delete gone?", "Nothing uses it.")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is screen)
        await pilot.press("d")
        await shows(pilot, "Delete gone?")
        await pilot.press("y")
        await until(pilot, lambda: screen._list.count == 1, turns=3000)
        assert _names(app) == ["kept"]


async def test_what_is_in_use_goes_only_when_its_name_is_typed(filling: Filling) -> None:
    """What would break is listed by project; another word deletes nothing."""
    made = filling.connection("in-use")
    web = filling.scopes["web"].project_id
    filling.session.connections.record_use(made, kind="exec", name="deploy.sh", project_id=web)
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("d")
        await shows(pilot, "although it is in use?", "web: exec deploy.sh stops working")
        await pilot.press(*"y", "enter")
        await shows(pilot, "That is not  in-use  yet")
        assert filling.session.connections.get(made.id)
        await pilot.press("backspace", *"in-use", "enter")
        await until(pilot, lambda: screen._list.count == 0, turns=3000)
    with pytest.raises(NotFound):
        filling.session.connections.get(made.id)


async def test_a_use_that_comes_while_it_is_asked_is_asked_about(filling: Filling) -> None:
    """The refusal of the store leads to the graver question, not to a broken use."""
    made = filling.connection("busy")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("d")
        await shows(pilot, "Nothing uses it.")
        filling.session.connections.record_use(made, kind="exec", name="late.sh")
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, TypedConfirm), turns=3000)
        assert "exec late.sh" in said(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert filling.session.connections.get(made.id)


async def test_who_changed_it_meanwhile_is_told_and_nothing_is_lost(filling: Filling) -> None:
    """Another process edits while this one asks: the deletion is refused with the reason, and the list is read anew."""
    made = filling.connection("ours")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await pilot.press("d")
        await shows(pilot, "Delete ours?")
        filling.session.connections.set_expiry(made, made.created_at)
        await pilot.press("y")
        await shows(pilot, "changed since you read it", "Look at it again")
        await shows(pilot, "expired")
    assert filling.session.connections.get(made.id)


async def test_marks_are_what_the_keys_act_on(filling: Filling) -> None:
    """With two marked, two are deleted, and the question says so."""
    for name in ("a", "b", "c"):
        filling.connection(name)
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("space", "space")
        await shows(pilot, "2 marked")
        await pilot.press("d")
        await shows(pilot, "Delete 2 connections?")
        await pilot.press("y")
        await until(pilot, lambda: screen._list.count == 1, turns=3000)
        assert _names(app) == ["c"]


async def test_the_empty_states_say_what_comes_next(tmp_path: Path) -> None:
    """No organization, then no connection: each says the key."""
    filling = Filling.of(tmp_path)
    for name in ("web", "billing"):
        filling.session.projects.delete(filling.session.projects.named(filling.scopes["org"].organization_id, name))
    filling.session.organizations.delete(filling.session.organizations.named("acme"))
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await shows(pilot, "No organization yet: o makes the first one")
        await pilot.press("n")
        await shows(pilot, "A connection belongs to an organization.")
        filling.session.organizations.create("globex")
        filling.session.lock()
        screen.on_screen_resume()
        await shows(pilot, "Jackfield › globex › all projects", "No connection here yet: n makes one")


async def test_a_row_that_cannot_be_opened_is_one_broken_row(filling: Filling) -> None:
    """It is named as such in words; the others are listed, shown and tested as ever."""
    broken, _ = filling.connection("broken"), filling.connection("whole")
    filling.session.connections.show_unreadable(broken, "changed")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "◆ unreadable", CANNOT_BE_READ, "Everything else works.", "○ untested")
        await pilot.press("down")
        await shows(pilot, "t tests it")


async def test_a_page_that_cannot_be_read_is_told_and_ends_nothing(
    filling: Filling, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason and the next step are told, and the keys go on working."""
    for number in range(300):
        filling.connection(f"site-{number:03}")
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)

        def fail(*_: object, **__: object) -> None:
            raise HomeError("A page of the database is not what was written.", "Restore a backup.")

        monkeypatch.setattr(app.session.connections, "page", fail)
        await pilot.press("end")
        await shows(pilot, "A page of the database is not what was written.", "Restore a backup.")
        await pilot.press("home")
        await shows(pilot, "site-000")
        assert screen._list.cursor == 0


async def test_a_fault_beside_the_interface_ends_nothing(filling: Filling, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written down, told with its id, and the list goes on."""
    filling.connection("a-site")
    monkeypatch.setattr("jackfield.tui.screens.connections.look", lambda *_: {}["canary-value"])
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        with contextlib.suppress(WorkerFailed):  # by who waits for the worker in the test
            await enter(pilot)
        await shows(pilot, "by a fault of Jackfield's own")
        records = list((filling.home.folder / "crashes").iterdir())
        assert len(records) == 1
        assert "canary" not in records[0].read_text()
        await pilot.press("t")
        await shows(pilot, "a-site")


HOSTILE = "[@click=app.quit]x[/] \x1b]0;t\x07\x9b2J a\u202eb {0} %s"


async def test_hostile_text_is_text(filling: Filling) -> None:
    """What a vendor says of itself, of permissions and of failures stands there as it was written."""
    made = filling.connection("target")
    grant = Grant(USE, HOSTILE, GrantState.MISSING, EvidenceKind.ANSWERED, HOSTILE, HOSTILE)
    filling.tested(made, result_of("limited", grants=[grant]))
    filling.session.connections.record_use(made, kind=HOSTILE, name=HOSTILE)
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await enter(pilot)
        await shows(pilot, "[@click=app.quit]x[/]", "MISSING")
        await pilot.press("d")
        await shows(pilot, "stops working")
        assert not set(said(app)) & {"\x1b", "\x07", "\x9b", "\u202e"}
        assert app.is_running


async def test_a_window_that_shrinks_and_grows_is_where_it_was(filling: Filling) -> None:
    """Forty by ten shows a sentence; back again, the same row is highlighted."""
    filling.one_of_each()
    app = Whole(filling.home)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        screen = await enter(pilot)
        await pilot.press("down", "down")
        await pilot.resize_terminal(40, 10)
        await shows(pilot, "Make the window larger.")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: app.screen is screen)
        await shows(pilot, "partly-site")
        assert screen._list.cursor == 2
        await pilot.resize_terminal(60, 12)
        await pilot.pause()
        assert screen.query_one(PagedList).size.height >= 8


def test_each_outcome_is_one_sentence(filling: Filling) -> None:
    """From the store to the words, for every state."""
    made = filling.one_of_each()
    said_of = {}
    for name, connection in made.items():
        glance = look(filling.session, connection.id)
        assert glance is not None
        said_of[name] = sentence(glance)
    assert said_of == {
        "passed": "all 2 needed permissions are held, and 1 that no use needs",
        "partly": "1 of 2 needed permissions are held; 1 could not be verified",
        "limited": "1 of 2 permissions that its uses need is missing",
        "unproven": "accepted, but a wrong secret would have been too",
        "failed": "Netlify does not know this token.",
        "untested": "not tested yet as it is now: t tests it",
    }
    assert look(filling.session, "0" * 32) is None
