"""The registry of actions and the user's key map."""

from pathlib import Path

import pytest

from jackfield.model.errors import UsageError
from jackfield.tui.keys import ACTIONS, Place, action, bindings, keys_of, read_key_map, require_no_clash
from support.face import Face, Rows, example_list, until


def _key_map(folder: Path, text: str) -> Path:
    path = folder / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_registry_has_no_clash_and_no_impossible_key(tmp_path: Path) -> None:
    """As shipped, one key means one thing in a place, and each could be written into a key map."""
    require_no_clash({}, "registry")
    text = "\n".join(f"{each.id}: {[*each.keys]}" for each in ACTIONS)
    assert read_key_map(_key_map(tmp_path, text)) == {each.id: each.keys for each in ACTIONS}


def test_every_action_has_its_own_id_and_a_title() -> None:
    """Ids are what key maps name; titles are what the palette lists."""
    assert len({each.id for each in ACTIONS}) == len(ACTIONS)
    assert all(each.title and each.does and each.keys for each in ACTIONS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("connection.test: ctrl+i", "keys.yaml: connection.test cannot have ctrl\\+i: a terminal sends tab"),
        ("connection.test: ctrl+m", "sends enter"),
        ("connection.test: ctrl+j", "sends enter"),
        ("connection.test: 'ctrl+['", "sends escape"),
        ("connection.test: [t, hyper+q]", "hyper\\+q, which is no key"),
        ("connection.tset: t", "there is no action connection.tset"),
        ("connection.test: n", "n would be both connection.new and connection.test"),
        ("connection.test: j", "j would be both list.down and connection.test"),
        ("connection.test: []", "has no key"),
        ("- t", "must map action ids to keys"),
        ("connection.test: [t", "keys.yaml, line 1: this is not YAML"),
        ("? {a: b}\n: x\n", "not YAML|no action"),
        ('connection.test: "\\x1b]0;x"', "is no key"),
    ],
)
def test_a_key_map_that_cannot_work_is_refused_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    """The error names the file, the action and what is wrong."""
    with pytest.raises(UsageError, match=told) as caught:
        read_key_map(_key_map(tmp_path, text))
    assert caught.value.message.isprintable()
    assert caught.value.next_step


def test_keys_may_change_places(tmp_path: Path) -> None:
    """Two actions swap their keys: no clash, for neither keeps its own."""
    swapped = read_key_map(_key_map(tmp_path, "connection.new: t\nconnection.test: n\n"))
    assert keys_of("connection.test", swapped) == ("n",)


@pytest.mark.parametrize("written", ["','", "[',']"])
async def test_the_comma_is_a_key_like_any_other(tmp_path: Path, written: str) -> None:
    """It stands between keys, and may be one: as shipped and in a key map."""
    assert keys_of("go.settings", {}) == (",",)
    key_map = read_key_map(_key_map(tmp_path, f"list.down: {written}\ngo.settings: f10\n"))
    assert keys_of("list.down", key_map) == (",",)
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(Rows(9))
        await until(pilot, lambda: listing.count == 9)
        await pilot.press("comma", "down")
        assert listing.cursor == 1


def test_no_key_map_is_an_empty_one(tmp_path: Path) -> None:
    """A home without the file has the keys of the registry."""
    assert read_key_map(tmp_path / "keys.yaml") == {}
    assert keys_of("connection.test", {}) == action("connection.test").keys


async def test_the_key_map_moves_the_list(tmp_path: Path) -> None:
    """The user's keys work and the replaced ones do not."""
    _key_map(tmp_path, "list.down: z, ctrl+n\n")
    listing = example_list()
    face = Face(tmp_path, listing)
    async with face.run_test() as pilot:
        listing.load(Rows(9))
        await face.workers.wait_for_complete()
        await pilot.press("z", "ctrl+n", "j", "down")
        assert listing.cursor == 2


def test_bindings_come_from_the_registry() -> None:
    """What a widget binds is what the registry says for its place."""
    bound = {getattr(each, "id", None) for each in bindings(Place.LIST)}
    assert bound == {each.id for each in ACTIONS if each.place is Place.LIST}
