"""A MariaDB server that lets everyone in and takes no changes."""

from support.servers.certificates import Certificates
from support.servers.databases import MariaDB
from support.servers.room import HOST, ServerRoom, program, run


class OpenMariaDB(MariaDB):
    """Started with skip-grant-tables and read-only, as after a lost password."""

    @classmethod
    def start(cls, room: ServerRoom) -> "OpenMariaDB":
        daemon, install = program("mariadbd", "mariadb-server"), program("mariadb-install-db", "mariadb-server")
        certificates = room.get(Certificates)
        folder, port = room.new_folder("open-mariadb"), room.free_port()
        common = ["--no-defaults", "--user=root", f"--datadir={folder / 'data'}"]
        run(install, *common, "--skip-test-db")
        room.start(
            [
                daemon, *common, f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", "--skip-grant-tables",
                "--skip-networking=0", f"--bind-address={HOST}", f"--port={port}", "--read-only",
                f"--ssl-ca={certificates.ca_file}", f"--ssl-cert={certificates.server_file}",
                f"--ssl-key={certificates.server_key_file}",
            ],
            folder=folder,
            port=port,
        )  # fmt: skip
        return cls(port, "anyone", "anything", certificates.ca_pem, str(folder / "socket"))
