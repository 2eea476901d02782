"""Servers that know the users of the machine: OpenSSH and SMB."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.servers.room import HOST, ServerRoom, program, require_root, run, unique


@dataclass(frozen=True, slots=True)
class UnixAccount:
    """A user of this machine, with a password and no home, removed when the tests end."""

    user: str
    password: str

    @classmethod
    def start(cls, room: ServerRoom) -> "UnixAccount":
        require_root("a server that checks passwords needs a user of the machine")
        account = cls(unique("jf"), unique("pw-"))
        useradd, userdel = program("useradd", "passwd"), program("userdel", "passwd")
        run(useradd, "--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", account.user)
        room.at_end([userdel, "--force", account.user])
        run(program("chpasswd", "passwd"), text=f"{account.user}:{account.password}\n")
        return account


@dataclass(frozen=True, slots=True)
class OpenSSH:
    """sshd that lets `user` in by password, by `key_pem` or by `sealed_key_pem`, the same key under `passphrase`.

    On `two_factor_port` it wants key and password, one after the other.
    """

    port: int
    two_factor_port: int
    user: str
    password: str
    key_pem: str
    sealed_key_pem: str
    passphrase: str
    other_key_pem: str  # a key nobody is let in with
    host_key: str  # "ssh-ed25519 AAAA…", as in known_hosts
    host: str = HOST

    @classmethod
    def start(cls, room: ServerRoom) -> "OpenSSH":
        daemon, keygen = program("sshd", "openssh-server"), program("ssh-keygen", "openssh-client")
        account, folder, port = room.get(UnixAccount), room.new_folder("sshd"), room.free_port()
        Path("/run/sshd").mkdir(exist_ok=True)  # where sshd gives up its privileges
        for name in ("host", "user", "other"):
            run(keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name)
        sealed, passphrase = folder / "sealed", unique("phrase-")
        sealed.write_bytes((folder / "user").read_bytes())
        sealed.chmod(0o600)
        run(keygen, "-q", "-p", "-P", "", "-N", passphrase, "-f", sealed)
        authorized = folder / "authorized_keys"
        authorized.write_bytes((folder / "user.pub").read_bytes())
        authorized.chmod(0o644)
        settings = folder / "sshd_config"
        two_factor_port = room.free_port()
        options = [
            f"Port {port}",
            f"Port {two_factor_port}",
            f"ListenAddress {HOST}",
            f"HostKey {folder / 'host'}",
            f"PidFile {folder / 'pid'}",
            f"AuthorizedKeysFile {authorized}",
            "StrictModes no",
            "UsePAM no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin no",
            "Subsystem sftp internal-sftp",
        ]
        both = [f"Match LocalPort {two_factor_port}", "AuthenticationMethods publickey,password", ""]
        # A newer sshd shuts out an address after failed logins; an older one does not know the word.
        settings.write_text("\n".join([*options, "PerSourcePenalties no", *both]))
        if subprocess.run([daemon, "-t", "-f", settings], capture_output=True).returncode != 0:
            settings.write_text("\n".join([*options, *both]))
        room.start([daemon, "-D", "-e", "-f", settings], folder=folder, port=port)
        return cls(
            port=port,
            two_factor_port=two_factor_port,
            user=account.user,
            password=account.password,
            key_pem=(folder / "user").read_text(),
            sealed_key_pem=sealed.read_text(),
            passphrase=passphrase,
            other_key_pem=(folder / "other").read_text(),
            host_key=(folder / "host.pub").read_text().strip(),
        )


@dataclass(frozen=True, slots=True)
class Smb:
    """smbd with signing required and one share, `share`, that only `user` may open."""

    port: int
    user: str
    password: str
    share: str
    host: str = HOST

    @classmethod
    def start(cls, room: ServerRoom) -> "Smb":
        daemon, smbpasswd = program("smbd", "samba"), program("smbpasswd", "samba-common-bin")
        account, folder, port = room.get(UnixAccount), room.new_folder("smbd"), room.free_port()
        server = cls(port, account.user, account.password, "data")
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc", server.share):
            (folder / name).mkdir()
        (folder / server.share).chmod(0o777)
        settings = {
            "server role": "standalone server",
            "interfaces": HOST,
            "bind interfaces only": "yes",
            "smb ports": port,
            "disable netbios": "yes",
            "private dir": folder / "private",
            "lock directory": folder / "lock",
            "state directory": folder / "state",
            "cache directory": folder / "cache",
            "pid directory": folder / "pid",
            "ncalrpc dir": folder / "ncalrpc",
            "log file": folder / "smbd.log",
            "map to guest": "Never",
            "restrict anonymous": 2,
            "server signing": "mandatory",
            "load printers": "no",
            "disable spoolss": "yes",
        }
        written = folder / "smb.conf"
        written.write_text(
            "[global]\n"
            + "".join(f"{name} = {value}\n" for name, value in settings.items())
            + f"[{server.share}]\npath = {folder / server.share}\nread only = no\nvalid users = {server.user}\n"
        )
        run(smbpasswd, "-c", written, "-s", "-a", server.user, text=f"{server.password}\n{server.password}\n")
        # smbd signals its whole process group as it ends; in a session of its own it only starts without one.
        room.start([daemon, "-F", "--no-process-group", "-s", written, "--debug-stdout"], folder=folder, port=port)
        return server
