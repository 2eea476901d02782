"""Saving a connection whose secret Jackfield takes over, against a real server."""

from pathlib import Path

from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services.form import Form
from jackfield.tui.screens.form.screen import FormScreen
from support.servers.databases import Postgres
from support.servers.room import unique
from support.stage import Stage, opened, shows


async def test_the_secret_is_replaced_after_saving_and_only_then(postgres: Postgres, tmp_path: Path) -> None:
    """Asked, then done: the stored password is another one, and the server accepted it."""
    role = unique("managed_")
    postgres.execute(f"create role {role} login password 'first secret'")
    with opened(tmp_path, Network) as inside, postgres.database() as database:
        form = Form.new(inside.session.registry.get("postgres"), inside.scope)
        typed = {"host": postgres.host, "port": str(postgres.port), "database": database, "username": role}
        for name, text in {**typed, "password": "first secret", "sslCertificate": postgres.ca_pem}.items():
            form.type(name, text)
        form.private_allowed = True
        stage = Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form))
        async with stage.run_test(size=(100, 30)) as pilot:
            await pilot.press("ctrl+n", "ctrl+n", "ctrl+t")
            await shows(pilot, "✔ passed")
            await pilot.press("ctrl+n")
            await shows(pilot, "Managed here", "( ) yes   (•) no")
            await pilot.press("up", "left")
            await shows(pilot, "(•) yes   ( ) no", "only Jackfield knows it. Needs:")
            await pilot.press("ctrl+s")
            await shows(pilot, "✔ Saved", "Done: the secret was replaced, the new one is proven")
        made = inside.session.connections.find("postgres")
        assert made.platform_managed
        assert inside.session.connections.fields(made, reason="test")["password"] != Secret("first secret")
    postgres.execute(f"drop role {role}")
