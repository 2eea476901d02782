"""The emulator emulate for Node: GitHub as its apps see it, and the login of Entra.

It checks the signatures and the ends of apps' assertions, mints tokens of installations, and checks clients' secrets.
Any other bearer token it takes as good, so it proves nothing about those.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from support.servers.room import HOST, ServerRoom, installed_folder, program

PACKAGE = "emulate@0.12.2 of the Node index"
APP, NARROW_APP = 4711, 4712
INSTALLATION, NARROW_INSTALLATION = 31415926, 31415927
CLIENT, SECRET = "0b5e51de-0000-4000-8000-00000000bbbb", "k8Q~GoodSecretOfTheApp_0123456789.abcde"
PERMISSIONS = {
    "metadata": "read",
    "secrets": "write",
    "environments": "write",
    "actions": "read",
    "organization_secrets": "write",
    "contents": "read",
}


@dataclass(frozen=True, slots=True)
class EmulatedGitHub:
    """GitHub over plain HTTP: the organization acme with the private repository app, and two apps installed there.

    The narrow app may only read secrets where the other may write them. Both have the same key, a PEM.
    """

    url: str
    key: str

    @classmethod
    def start(cls, room: ServerRoom) -> "EmulatedGitHub":
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key = made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
        installed = {
            APP: (INSTALLATION, PERMISSIONS),
            NARROW_APP: (NARROW_INSTALLATION, {**PERMISSIONS, "secrets": "read"}),
        }
        apps = [
            {
                "app_id": app,
                "slug": f"sync-{app}",
                "name": f"Sync {app}",
                "private_key": key,
                "permissions": permissions,
                "installations": [{"installation_id": installation, "account": "acme"}],
            }
            for app, (installation, permissions) in installed.items()
        ]
        repositories = [{"owner": "acme", "name": "app", "private": True, "auto_init": True}]
        seed = {"users": [{"login": "ada"}], "orgs": [{"login": "acme"}], "repos": repositories, "apps": apps}
        return cls(_start(room, "github", seed), key)


@dataclass(frozen=True, slots=True)
class EmulatedEntra:
    """The token endpoint of Entra over plain HTTP, with one client; its path names no tenant."""

    url: str

    @classmethod
    def start(cls, room: ServerRoom) -> "EmulatedEntra":
        client = {"client_id": CLIENT, "client_secret": SECRET, "name": "sync", "redirect_uris": ["http://127.0.0.1/"]}
        return cls(_start(room, "microsoft", {"users": [{"email": "ada@example.com"}], "oauth_clients": [client]}))


def _start(room: ServerRoom, service: str, seed: Mapping[str, object]) -> str:
    """The address of one of the emulator's services."""
    node = program("node", "nodejs")
    script = installed_folder(f"{sys.prefix}/npm/node_modules/emulate", PACKAGE) / "dist" / "index.js"
    folder, port = room.new_folder("emulate"), room.free_port()
    file = folder / "seed.yaml"  # JSON is YAML too
    file.write_text(json.dumps({service: seed}))
    room.start(
        [node, "--no-warnings", script, "start", "--service", service, "--port", str(port), "--seed", file],
        folder=folder,
        port=port,
    )
    return f"http://{HOST}:{port}"
