"""The certificates that the servers show, made once a run."""

from dataclasses import dataclass
from pathlib import Path

import trustme

from support.servers.room import ServerRoom


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority and what it signed for `localhost` and 127.0.0.1; `other_ca_pem` signed nothing."""

    ca_pem: str
    ca_key_pem: str
    other_ca_pem: str
    ca_file: str
    server_file: str
    server_key_file: str

    @classmethod
    def start(cls, room: ServerRoom) -> "Certificates":
        authority, other = trustme.CA(), trustme.CA()
        leaf = authority.issue_cert("localhost", "127.0.0.1")
        folder = room.new_folder("certificates")
        ca_file, server_file, server_key_file = folder / "ca.pem", folder / "server.pem", folder / "server.key"
        authority.cert_pem.write_to_path(ca_file)
        leaf.cert_chain_pems[0].write_to_path(server_file)
        leaf.private_key_pem.write_to_path(server_key_file)
        server_key_file.chmod(0o600)
        return cls(
            ca_pem=authority.cert_pem.bytes().decode(),
            ca_key_pem=authority.private_key_pem.bytes().decode(),
            other_ca_pem=other.cert_pem.bytes().decode(),
            ca_file=str(ca_file),
            server_file=str(server_file),
            server_key_file=str(server_key_file),
        )

    def issue_client(self, common_name: str, folder: Path) -> tuple[Path, Path]:
        """Write a client certificate and its key for `common_name` into `folder`."""
        authority = trustme.CA.from_pem(self.ca_pem.encode(), self.ca_key_pem.encode())
        leaf = authority.issue_cert("client.test", common_name=common_name)
        certificate, key = folder / f"{common_name}.pem", folder / f"{common_name}.key"
        leaf.cert_chain_pems[0].write_to_path(certificate)
        leaf.private_key_pem.write_to_path(key)
        key.chmod(0o600)
        return certificate, key
