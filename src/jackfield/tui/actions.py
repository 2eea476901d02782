"""Every action of the interface: what it is called, what it does, its keys, and where it applies.

Key bindings, the key bar, the palette and the help screen are all made from ACTIONS.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Place(StrEnum):
    """Where an action applies; the value is the heading in the help."""

    EVERYWHERE = "Everywhere"
    DOOR = "Before the vault is open"
    FIRST_RUN = "Before there is a vault"
    LIST = "In a list"
    CHOICE = "In a choice"
    OPTION = "In a line of options"
    FIELD = "In a secret field"
    CONFIRM = "In a question"
    CONNECTIONS = "Connections"
    CONNECTION = "One connection"
    SCOPES = "Organizations and projects"
    GALLERY = "Providers"
    FORM = "In a form"
    READING = "In a text"
    MAP = "Map"
    AUDIT = "Audit trail"
    IMPORT = "Import"
    SETTINGS = "Settings"
    IDENTITIES = "Source identities"
    GO = "Go to"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do. `does` is the Textual action that runs on the widget or screen of its place.

    `in_dialogs` reaches it from everywhere, over questions and fields too. `at_once` is for what leads to a field: its
    key does that in the field as well, and is not typed there.
    """

    id: str
    place: Place
    title: str
    does: str
    keys: tuple[str, ...]
    help: str = ""
    in_palette: bool = True
    in_dialogs: bool = False
    at_once: bool = False


def _moves(name: str, title: str, does: str, *keys: str) -> Action:
    return Action(f"list.{name}", Place.LIST, title, does, keys, in_palette=False)


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "app.palette",
        Place.EVERYWHERE,
        "All actions",
        "app.palette",
        ("ctrl+p",),
        "Find any action by its name.",
        in_palette=False,
    ),
    Action("app.help", Place.EVERYWHERE, "Help", "app.help", ("?", "f1"), "What the keys do here."),
    Action(
        "app.jump",
        Place.EVERYWHERE,
        "Jump",
        "app.jump",
        ("ctrl+o",),
        "Letters on every row and field; typing them goes there.",
        in_dialogs=True,
    ),
    Action(
        "app.theme",
        Place.EVERYWHERE,
        "Choose a theme",
        "app.theme",
        ("f9",),
        "Light, dark, sixteen colours, high contrast, and more.",
    ),
    Action(
        "app.link",
        Place.EVERYWHERE,
        "Slow line …",
        "app.link",
        ("f12",),
        "Draw less where the line to the terminal is slow: measured, always or never.",
    ),
    Action(
        "app.idle",
        Place.EVERYWHERE,
        "Lock by itself after …",
        "app.idle",
        ("f8",),
        "How long the vault stays open while nobody touches a key.",
    ),
    Action(
        "app.lock",
        Place.EVERYWHERE,
        "Lock",
        "app.lock",
        ("ctrl+l",),
        "Close the vault; nothing is readable until it is opened again.",
        in_dialogs=True,
    ),
    Action("app.quit", Place.EVERYWHERE, "Quit", "app.quit", ("ctrl+q",), "Lock and leave.", in_dialogs=True),
    Action("app.back", Place.EVERYWHERE, "Back", "app.back", ("escape",), in_palette=False),
    Action(
        "door.recovery",
        Place.DOOR,
        "Use the recovery key",
        "recovery",
        ("f2",),
        "For a forgotten passphrase; again for the passphrase.",
    ),
    Action("door.keyring", Place.DOOR, "Use the OS keyring", "keyring", ("f3",), "Where it holds a key of this vault."),
    Action(
        "door.demo",
        Place.FIRST_RUN,
        "Try the demo instead",
        "app.demo",
        ("ctrl+d",),
        "Everything at work in a throw-away home; this one stays as it is.",
    ),
    _moves("up", "Up", "move(-1)", "up", "k"),
    _moves("down", "Down", "move(1)", "down", "j"),
    _moves("page-up", "Page up", "page(-1)", "pageup"),
    _moves("page-down", "Page down", "page(1)", "pagedown"),
    _moves("first", "First", "first", "home", "g"),
    _moves("last", "Last", "last", "end", "G"),
    _moves("open", "Open", "activate", "enter"),
    _moves("mark", "Mark", "mark", "space"),
    Action("choice.up", Place.CHOICE, "Up", "move(-1)", ("up", "k"), in_palette=False),
    Action("choice.down", Place.CHOICE, "Down", "move(1)", ("down", "j"), in_palette=False),
    Action("choice.choose", Place.CHOICE, "Choose", "choose", ("space",), in_palette=False),
    Action("choice.accept", Place.CHOICE, "Choose and go on", "accept", ("enter",), in_palette=False),
    Action("option.previous", Place.OPTION, "Previous", "choose(-1)", ("left", "h"), in_palette=False),
    Action("option.next", Place.OPTION, "Next", "choose(1)", ("right", "l", "space"), in_palette=False),
    Action("option.accept", Place.OPTION, "Go on", "accept", ("enter",), in_palette=False),
    Action(
        "secret.reveal",
        Place.FIELD,
        "Reveal",
        "reveal",
        ("ctrl+r",),
        "Show what is in the field for ten seconds.",
        in_palette=False,
    ),
    Action(
        "secret.clear",
        Place.FIELD,
        "Empty, keep or clear",
        "clear",
        ("ctrl+u",),
        "Empty what was typed; then keep or clear what is stored.",
        in_palette=False,
    ),
    Action("confirm.yes", Place.CONFIRM, "Yes", "answer(True)", ("y",), in_palette=False),
    Action("confirm.no", Place.CONFIRM, "No", "answer(False)", ("n", "escape"), in_palette=False),
    Action("connection.new", Place.CONNECTIONS, "New", "new", ("n",), "Make a connection, guided in four steps."),
    Action(
        "connection.test",
        Place.CONNECTIONS,
        "Test",
        "test",
        ("t",),
        "Test the highlighted or the marked connections now.",
    ),
    Action(
        "connection.test-all",
        Place.CONNECTIONS,
        "Test all that are listed",
        "test_all",
        ("T",),
        "Every connection of the list as it is filtered now; asks first.",
    ),
    Action(
        "connection.cancel-tests",
        Place.CONNECTIONS,
        "Cancel the tests",
        "cancel_tests",
        ("c",),
        "Stop every test that was started here.",
    ),
    Action(
        "connection.filter",
        Place.CONNECTIONS,
        "Filter",
        "filter",
        ("/",),
        "state:failed provider:aws expires:<30d, or any words.",
        at_once=True,
    ),
    Action(
        "connection.sort", Place.CONNECTIONS, "Sort", "sort", ("s",), "By name, state, expiry, last test or provider."
    ),
    Action("connection.reverse", Place.CONNECTIONS, "Reverse the order", "reverse", ("S",)),
    Action(
        "connection.columns",
        Place.CONNECTIONS,
        "Columns",
        "columns",
        ("v",),
        "Choose which are shown; they and the order stay as they are until you change them.",
    ),
    Action("connection.edit", Place.CONNECTIONS, "Edit", "edit", ("e",), "Change its fields, uses or schedule."),
    Action(
        "connection.delete",
        Place.CONNECTIONS,
        "Delete",
        "change('delete')",
        ("d", "delete"),
        "Asks first, and says what would break; u takes it back.",
    ),
    Action(
        "connection.copy-id",
        Place.CONNECTIONS,
        "Copy id",
        "copy_id",
        ("y",),
        "To the clipboard.",
    ),
    Action(
        "connection.change",
        Place.CONNECTIONS,
        "Change the marked …",
        "change",
        ("m",),
        "Tag, untag, move, schedule, test or delete the marked connections, or the highlighted one.",
    ),
    Action("connection.tag", Place.CONNECTIONS, "Tag", "change('tag')", ("+",), "Put tags on; those before stay."),
    Action("connection.untag", Place.CONNECTIONS, "Untag", "change('untag')", ("-",), "Take tags off."),
    Action(
        "connection.move",
        Place.CONNECTIONS,
        "Move",
        "change('move')",
        (">",),
        "To another organization or project; names that are taken there stay behind.",
    ),
    Action(
        "connection.schedule",
        Place.CONNECTIONS,
        "Schedule",
        "change('schedule')",
        ("i",),
        "How often they are tested by themselves.",
    ),
    Action(
        "connection.clone",
        Place.CONNECTIONS,
        "Clone",
        "clone",
        ("C",),
        "A new connection like this one; its name and secrets are typed anew.",
    ),
    Action(
        "connection.saved-filters",
        Place.CONNECTIONS,
        "Saved filters",
        "saved_filters",
        ("f",),
        "Use one, save the present filter under a name, or forget one.",
    ),
    Action(
        "connection.with-secret",
        Place.CONNECTIONS,
        "Find by secret",
        "with_secret",
        ("p",),
        "List the connections that hold a pasted secret; none is opened for it.",
    ),
    Action(
        "connection.undo",
        Place.CONNECTIONS,
        "Undo the deletion",
        "undo",
        ("u",),
        "Put back what was deleted last, under the same id; until the vault locks.",
    ),
    Action(
        "connection.scope",
        Place.CONNECTIONS,
        "Organization and project",
        "scope",
        ("o",),
        "Choose whose connections are listed.",
    ),
    Action("detail.next", Place.CONNECTION, "Next page", "tab(1)", ("right", "l"), in_palette=False),
    Action("detail.previous", Place.CONNECTION, "Previous page", "tab(-1)", ("left", "h"), in_palette=False),
    Action("detail.test", Place.CONNECTION, "Test", "test", ("t",), "Test this connection now."),
    Action("detail.edit", Place.CONNECTION, "Edit", "edit", ("e",), "Change its fields, uses or schedule."),
    Action(
        "detail.delete", Place.CONNECTION, "Delete", "delete", ("d", "delete"), "Asks first, and says what would break."
    ),
    Action(
        "detail.policy",
        Place.CONNECTION,
        "Copy the minimal policy",
        "policy",
        ("y",),
        "The least that its chosen uses need.",
    ),
    Action("detail.guide", Place.CONNECTION, "How it is made at the vendor", "guide", ("v",), "The steps, filled in."),
    Action(
        "detail.difference",
        Place.CONNECTION,
        "Difference to what is granted",
        "difference",
        ("x",),
        "What to add, what to remove.",
    ),
    Action(
        "detail.take-over",
        Place.CONNECTION,
        "Let Jackfield manage the secret",
        "take_over",
        ("m",),
        "It is replaced at the vendor; only Jackfield knows the new one.",
    ),
    Action("detail.log-in", Place.CONNECTION, "Log in again", "log_in", ("f6",), "Where its tokens come from a login."),
    Action("detail.copy-id", Place.CONNECTION, "Copy id", "copy_id", ("i",), "To the clipboard."),
    Action("detail.cancel-test", Place.CONNECTION, "Cancel the test", "cancel_test", ("c",)),
    Action("scope.new", Place.SCOPES, "New", "new", ("n",), "Make an organization or a project."),
    Action("scope.rename", Place.SCOPES, "Rename or describe", "rename", ("r",)),
    Action("scope.delete", Place.SCOPES, "Delete", "delete", ("d", "delete"), "Refused while it holds connections."),
    Action(
        "gallery.filter",
        Place.GALLERY,
        "Filter",
        "filter",
        ("/",),
        "Typing alone does it: a part of a name or a category.",
        at_once=True,
    ),
    Action("gallery.discard", Place.GALLERY, "Discard a draft", "discard", ("f7",), "Forget what was begun."),
    Action("form.next", Place.FORM, "Next step", "next", ("ctrl+n", "pagedown"), in_palette=False),
    Action("form.previous", Place.FORM, "Previous step", "previous", ("ctrl+b", "pageup"), in_palette=False),
    Action(
        "form.test", Place.FORM, "Test", "test", ("ctrl+t", "t"), "Test with what is in the form; nothing is stored."
    ),
    Action("form.cancel-test", Place.FORM, "Cancel the test", "cancel_test", ("ctrl+g", "c")),
    Action("form.save", Place.FORM, "Save", "save", ("ctrl+s",), "Seal it in the vault."),
    Action(
        "form.copy",
        Place.FORM,
        "Copy",
        "copy",
        ("ctrl+y", "y"),
        "The policy, the vendor's address or the commands: what the step shows.",
    ),
    Action("form.write", Place.FORM, "Write to a file", "write", ("f2", "w"), "The policy for the chosen uses."),
    Action("form.qr", Place.FORM, "Vendor's page as QR", "qr", ("f3", "o"), "For a browser on another device."),
    Action("form.pick", Place.FORM, "Choose from a list", "pick", ("f4",), "What the vendor or the field offers."),
    Action(
        "form.difference",
        Place.FORM,
        "Difference to what is granted",
        "difference",
        ("f5", "x"),
        "What to add, what to remove.",
    ),
    Action("form.login", Place.FORM, "Log in", "log_in", ("f6",), "Where the method gets its token by a login."),
    Action("reading.copy", Place.READING, "Copy", "copy", ("y",), "To the clipboard."),
    Action("reading.copy-address", Place.READING, "Copy the address", "copy", ("ctrl+y",), in_palette=False),
    Action("reading.write", Place.READING, "Write to a file", "write", ("w",)),
    Action("map.left", Place.MAP, "Left", "across(-1)", ("left", "h"), in_palette=False),
    Action("map.right", Place.MAP, "Right", "across(1)", ("right", "l"), in_palette=False),
    Action("audit.verify", Place.AUDIT, "Verify the trail", "verify", ("v",), "Walk it whole, entry by entry."),
    Action(
        "go.map",
        Place.GO,
        "Map",
        "app.go('map')",
        ("M",),
        "What uses which connection, and what would break without it.",
    ),
    Action("go.expiry", Place.GO, "Expiry calendar", "app.go('expiry')", ("E",), "Which credentials end, and when."),
    Action(
        "go.audit", Place.GO, "Audit trail", "app.go('audit')", ("A",), "Who did what, and every opening of a secret."
    ),
    Action(
        "import.all",
        Place.IMPORT,
        "Choose all or none",
        "all",
        ("a",),
        "All that is new; again, none.",
    ),
    Action("import.again", Place.IMPORT, "Look again", "again", ("r",), "Read what is on this machine anew."),
    Action("import.place", Place.IMPORT, "Where to", "place", ("o",), "Choose the organization or project it goes to."),
    Action(
        "go.import",
        Place.GO,
        "Import",
        "app.go('import')",
        ("I",),
        "From what other tools keep on this machine: shown first, nothing is fetched.",
    ),
    Action("settings.next", Place.SETTINGS, "Next section", "section(1)", ("right", "l"), in_palette=False),
    Action("settings.previous", Place.SETTINGS, "Previous section", "section(-1)", ("left", "h"), in_palette=False),
    Action(
        "settings.add", Place.SETTINGS, "Add a way in", "add", ("n",), "Passphrase, recovery key, key file, keyring."
    ),
    Action("settings.remove", Place.SETTINGS, "Remove a way in", "remove", ("d", "delete"), "The highlighted one."),
    Action("settings.passphrase", Place.SETTINGS, "Change the passphrase", "passphrase", ("p",)),
    Action("settings.root-key", Place.SETTINGS, "Replace the root key", "root_key", ("f6",), "And the recovery key."),
    Action("settings.reseal", Place.SETTINGS, "Seal every value anew", "reseal", ("f7",), "With fresh data keys."),
    Action("settings.backup", Place.SETTINGS, "Make a backup", "backup", ("b",), "Into one new file."),
    Action(
        "settings.automatic-tests",
        Place.SETTINGS,
        "Pause or resume automatic tests",
        "automatic_tests",
        ("t",),
        "For the whole home; tests by hand go on.",
    ),
    Action("settings.look", Place.SETTINGS, "Look again", "look", ("r",), "At this machine and this home."),
    Action(
        "settings.identities", Place.SETTINGS, "Source identities", "identities", ("i",), "Keys kept once for many."
    ),
    Action("identity.new", Place.IDENTITIES, "New", "new", ("n",), "Keep a source identity."),
    Action("identity.test", Place.IDENTITIES, "Test", "test", ("t",), "By itself, with the provider's own check."),
    Action("identity.cancel-test", Place.IDENTITIES, "Cancel the test", "cancel_test", ("c",)),
    Action("identity.rename", Place.IDENTITIES, "Rename", "rename", ("r",)),
    Action("identity.replace", Place.IDENTITIES, "Replace its keys", "replace", ("e",), "All of them, typed anew."),
    Action("identity.delete", Place.IDENTITIES, "Delete", "delete", ("d", "delete"), "Refused while it is used."),
    Action("go.settings", Place.GO, "Settings", "app.go('settings')", (",",), "Vault, backups, locking, this machine."),
)
