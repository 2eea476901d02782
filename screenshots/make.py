"""Takes the pictures of this folder anew: `python screenshots/make.py`, with what the tests need installed.

A vault is made in a throw-away home, its connections are tested against the tests' miniature vendors, and the real
interface is driven by keys. Nothing here is a drawing.
"""

import asyncio
import re
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from jackfield.model.connection import IntendedUse, Scope
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.connections import Definition
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.tui.app import JackfieldApp
from jackfield.tui.door import SessionDoor
from jackfield.tui.screens.connections import ConnectionsScreen
from jackfield.vault.costs import Costs
from providers.cloudflare.vendor import Cloudflare
from providers.contract import REGISTRY, HttpWorld, typed_fields
from providers.heroku.vendor import Heroku
from providers.netlify.vendor import Netlify
from providers.octopus_deploy.vendor import OctopusDeploy
from providers.openrouter.vendor import OpenRouter
from providers.render.vendor import Render
from providers.supabase.vendor import Supabase
from providers.terraform_cloud.vendor import TerraformCloud
from providers.vercel.vendor import Vercel
from support.certificates import authority
from support.face import until

CHEAP = Costs(memory_kib=64, passes=1, lanes=1)
PASSPHRASE = "correct horse battery staple"
SIZES = {"": (120, 40), "-80x24": (80, 24)}
CONNECTIONS = (
    # name, project, slug, method, world, wrong secret
    ("edge", None, "cloudflare", "api-token", Cloudflare, False),
    ("site-previews", "web", "netlify", "access-token", Netlify, False),
    ("site-old", "web", "netlify", "access-token", Netlify, True),
    ("functions", "web", "supabase", "access-token", Supabase, False),
    ("landing", "web", "vercel", "api-token", Vercel, False),
    ("review-apps", "web", "heroku", "auth-token", Heroku, False),
    ("model-keys", "data", "open-router", "api-key", OpenRouter, False),
    ("infrastructure", None, "terraform-cloud", "api-token", TerraformCloud, False),
    ("releases", "billing", "octopus-deploy", "api-key", OctopusDeploy, False),
    ("jobs", "billing", "render", "api-key", Render, False),
)


class Vendors:
    """The miniature vendors of all connections, each with its own faults, and one way out to them all."""

    def __init__(self, stack: ExitStack) -> None:
        self.worlds: dict[type[HttpWorld], HttpWorld] = {}
        for *_, world, _ in CONNECTIONS:
            if world not in self.worlds:
                self.worlds[world] = stack.enter_context(world())
        self.worlds[Netlify].role = "Reviewer"  # type: ignore[attr-defined]
        self.worlds[Vercel].scopes.append({"type": "user"})  # type: ignore[attr-defined]

    def network(self) -> Network:
        places = {
            (host, 443): ("127.0.0.1", world.vendor.port) for world in self.worlds.values() for host in world.hosts
        }
        return Network(roots=authority().ca_pem, redirect=places)


def fill(home: Home, vendors: Vendors) -> None:
    """Make the vault and its connections, and test each once."""
    session, _ = Session.create(home, Secret(PASSPHRASE), declined_recovery=True, costs=CHEAP, floor=CHEAP)
    acme = session.organizations.create("acme", "The shop")
    session.organizations.create("beta", "What comes next")
    projects = {name: session.projects.create(acme.id, name).id for name in ("web", "billing", "data")}
    made = []
    for name, project, slug, method, world, wrong in CONNECTIONS:
        provider = REGISTRY.get(slug)
        texts = vendors.worlds[world].wrong_fields(method) if wrong else vendors.worlds[world].fields(method)
        uses = tuple(
            IntendedUse(use, dict(targets))
            for use, targets in world.uses.items()
            if not provider.use(use).methods or method in provider.use(use).methods
        )
        definition = Definition(name, slug, method, uses=uses, test_every_minutes=60)
        scope = Scope(acme.id, projects[project] if project else None)
        made.append(session.connections.create(scope, definition, typed_fields(provider.method(method), texts)))

    async def test_all() -> None:
        network = vendors.network()
        for connection in made:
            await session.tests.run(connection.id, network)

    asyncio.run(test_all())
    session.connections.record_use(made[0], kind="exec", name="wrangler", project_id=projects["web"])
    session.lock()


def take(app: JackfieldApp, name: str) -> None:
    svg = app.export_screenshot(title="Jackfield")
    # The identifiers differ from run to run; a picture of the same screen should be the same file.
    numbers = dict.fromkeys(re.findall(r"terminal-\d+", svg))
    for number in numbers:
        svg = svg.replace(number, "terminal")
    (ROOT / "screenshots" / f"{name}.svg").write_text(svg, "utf-8")


async def photograph(home: Home, vendors: Vendors, size: tuple[int, int], suffix: str) -> None:
    door = SessionDoor(home, network=vendors.network, costs=CHEAP, floor=CHEAP)
    app = JackfieldApp(home.folder, door, opened=lambda: ConnectionsScreen(*door.inside()))
    async with app.run_test(size=size) as pilot:

        async def press(*keys: str) -> None:
            for key in keys:
                await pilot.press(key)
            for _ in range(40):
                await pilot.pause()

        take(app, f"unlock{suffix}")

        for character in PASSPHRASE:
            await pilot.press("space" if character == " " else character)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await press("end")

        take(app, f"connections{suffix}")
        await press("enter")
        take(app, f"connection{suffix}")
        await press("right")
        take(app, f"permissions{suffix}")
        await press("escape", "n")
        take(app, f"providers{suffix}")
        await press("escape", "?")
        take(app, f"help{suffix}")


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o700)
        vendors = Vendors(stack)
        home = Home(folder, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        fill(home, vendors)
        for suffix, size in SIZES.items():
            asyncio.run(photograph(home, vendors, size, suffix))


if __name__ == "__main__":
    main()
