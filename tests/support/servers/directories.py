"""OpenLDAP and an Active Directory domain controller (Samba)."""

import contextlib
import random
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.servers.certificates import Certificates
from support.servers.room import HOST, Login, ServerRoom, program, require_root, run, unique

_SLAPD = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
TLSCACertificateFile {tls.ca_file}
TLSCertificateFile {tls.server_file}
TLSCertificateKeyFile {tls.server_key_file}
database config
rootdn "cn=admin,cn=config"
rootpw {password}
database mdb
maxsize 67108864
suffix "{suffix}"
rootdn "{admin}"
rootpw {password}
directory {folder}/db
overlay ppolicy
ppolicy_default "cn=policy,{suffix}"
access to attrs=userPassword by dn.base="{rotator.user}" write by self =xw by anonymous auth by * none
access to * by users read by * none
"""
_SEED = """\
dn: {suffix}
objectClass: dcObject
objectClass: organization
o: Test
dc: test

dn: cn=policy,{suffix}
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdMinLength: 6
pwdCheckQuality: 2
pwdLockout: TRUE
pwdMaxFailure: 5
pwdAllowUserChange: TRUE

dn: {rotator.user}
objectClass: inetOrgPerson
cn: rotator
sn: Test
uid: rotator
userPassword: {rotator.password}
"""


@dataclass(frozen=True, slots=True)
class OpenLDAP:
    """slapd with StartTLS on `port` and LDAPS on `tls_port`; passwords have at least 6 characters.

    Names are full DNs. `admin` may do everything, `rotator` may set passwords; a locked-out user looks rejected.
    cn=admin,cn=config, with `password` too, may change its settings while it runs.
    Clients use the address: libldap turns `localhost` into the host's own name.
    """

    port: int
    tls_port: int
    suffix: str
    admin: str
    password: str
    rotator: str
    rotator_password: str
    ca_pem: str
    host: str = HOST

    @classmethod
    def start(cls, room: ServerRoom) -> "OpenLDAP":
        slapd, slapadd = program("slapd", "slapd"), program("slapadd", "slapd")
        certificates, folder = room.get(Certificates), room.new_folder("openldap")
        rotator = Login("uid=rotator,dc=test", "rotator-pw")
        server = cls(
            room.free_port(),
            room.free_port(),
            "dc=test",
            "cn=admin,dc=test",
            "admin-pw",
            rotator.user,
            rotator.password,
            certificates.ca_pem,
        )
        (folder / "db").mkdir()
        settings, seed = folder / "slapd.conf", folder / "seed.ldif"
        settings.write_text(
            _SLAPD.format(
                tls=certificates,
                suffix=server.suffix,
                admin=server.admin,
                password=server.password,
                folder=folder,
                rotator=rotator,
            )
        )
        seed.write_text(_SEED.format(suffix=server.suffix, rotator=rotator))
        run(slapadd, "-q", "-f", settings, "-l", seed)
        urls = f"ldap://{HOST}:{server.port} ldaps://{HOST}:{server.tls_port}"
        room.start([slapd, "-d", "0", "-f", settings, "-h", urls], folder=folder, port=server.tls_port)
        return server

    @contextlib.contextmanager
    def connected(self) -> Iterator[Any]:
        """An ldap3 connection bound as the administrator."""
        with _bound(self.host, self.tls_port, Login(self.admin, self.password), self.ca_pem) as connection:
            yield connection

    @contextlib.contextmanager
    def person(self) -> Iterator[Login]:
        """A fresh person who may log in, deleted afterwards; `user` is the DN."""
        name, password = unique("person-"), unique("Pw-1-")
        dn = f"uid={name},{self.suffix}"
        with self.connected() as connection:
            connection.add(dn, ["inetOrgPerson"], {"uid": name, "cn": name, "sn": "Test", "userPassword": password})
        try:
            yield Login(dn, password)
        finally:
            with self.connected() as connection:
                _delete(connection, dn)


@dataclass(frozen=True, slots=True)
class ActiveDirectory:
    """A Samba domain controller on a loopback address of its own, LDAP and LDAPS on their true ports.

    `user` is the domain's administrator. Bind answers 49 with `data 52e` when wrong, `533` disabled, `773` must
    change, and 8 without TLS. It answers nothing to Who-am-I.
    """

    host: str
    user: str
    password: str
    base: str
    ca_pem: str
    port: int = 389
    tls_port: int = 636

    @classmethod
    def start(cls, room: ServerRoom) -> "ActiveDirectory":
        require_root("Active Directory listens on ports below 1024")
        tool, samba = program("samba-tool", "samba-ad-provision"), program("samba", "samba-ad-dc")
        certificates, folder = room.get(Certificates), room.new_folder("ad")
        server = cls(
            _free_address(389, 636, 88), "administrator@ad.test", "Adm1n-pw!x", "DC=ad,DC=test", certificates.ca_pem
        )
        # Debian's samba-tool needs Debian's Python, not that of a virtual environment.
        samba_tool = ("/usr/bin/python3", tool)
        shares = "vfs objects=dfs_samba4 acl_xattr"
        run(
            *samba_tool,
            "domain",
            "provision",
            f"--targetdir={folder}",
            "--realm=AD.TEST",
            "--domain=ADTEST",
            f"--adminpass={server.password}",
            "--server-role=dc",
            "--dns-backend=NONE",
            f"--host-ip={HOST}",
            "--host-name=dc1",
            f"--option=interfaces={HOST}",
            "--option=bind interfaces only=yes",
            f"--option={shares}",
        )
        settings = folder / "etc" / "smb.conf"
        settings.write_text(_domain_settings(folder, server.host, certificates))
        # A user may change a password on its first day.
        run(*samba_tool, "domain", "passwordsettings", "set", "--min-pwd-age=0", "--history-length=0", "-s", settings)
        room.start(
            [samba, "-F", "-M", "single", "--no-process-group", "-s", settings, "--debug-stdout"],
            folder=folder,
            port=server.tls_port,
            host=server.host,
        )
        return server

    @contextlib.contextmanager
    def connected(self) -> Iterator[Any]:
        """An ldap3 connection bound as the domain's administrator."""
        with _bound(self.host, self.tls_port, Login(self.user, self.password), self.ca_pem) as connection:
            yield connection

    def dn(self, login: Login) -> str:
        """The DN of a user made by `person`."""
        return f"CN={login.user.partition('@')[0]},CN=Users,{self.base}"

    @contextlib.contextmanager
    def person(
        self, *, disabled: bool = False, must_change: bool = False, domain_admin: bool = False
    ) -> Iterator[Login]:
        """A fresh user who may log in as `name@ad.test`, deleted afterwards."""
        name, password = unique("u"), unique("Str0ng-pw!")
        login = Login(f"{name}@ad.test", password)
        dn = self.dn(login)
        with self.connected() as connection:
            attributes = {"sAMAccountName": name, "userPrincipalName": login.user, "userAccountControl": 514}
            connection.add(dn, ["user"], attributes)
            connection.extend.microsoft.modify_password(dn, password)
            changes = {} if disabled else {"userAccountControl": [("MODIFY_REPLACE", [512])]}
            if must_change:
                changes["pwdLastSet"] = [("MODIFY_REPLACE", [0])]
            if changes:
                connection.modify(dn, changes)
            if domain_admin:
                connection.modify(f"CN=Domain Admins,CN=Users,{self.base}", {"member": [("MODIFY_ADD", [dn])]})
        try:
            yield login
        finally:
            with self.connected() as connection:
                _delete(connection, dn)


def _delete(connection: Any, dn: str) -> None:
    """Delete an entry that a test may have deleted itself."""
    from ldap3.core.exceptions import LDAPNoSuchObjectResult

    with contextlib.suppress(LDAPNoSuchObjectResult):
        connection.delete(dn)


def _domain_settings(folder: Path, host: str, certificates: Certificates) -> str:
    for name in ("pidd", "ncalrpc", "run"):
        (folder / name).mkdir(exist_ok=True)
    settings = {
        "netbios name": "DC1",
        "realm": "AD.TEST",
        "workgroup": "ADTEST",
        "server role": "active directory domain controller",
        "server services": "ldap, kdc",
        "interfaces": f"{host}/8",
        "bind interfaces only": "yes",
        "disable netbios": "yes",
        "private dir": folder / "private",
        "state directory": folder / "state",
        "cache directory": folder / "cache",
        "lock directory": folder,
        "pid directory": folder / "pidd",
        "ncalrpc dir": folder / "ncalrpc",
        "ntp signd socket directory": folder / "run",
        "winbindd socket directory": folder / "run",
        "log file": folder / "log.%m",
        "vfs objects": "dfs_samba4 acl_xattr",
        "tls keyfile": certificates.server_key_file,
        "tls certfile": certificates.server_file,
        "tls cafile": certificates.ca_file,
    }
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())


def _free_address(*ports: int) -> str:
    """A loopback address where none of these ports is in use."""
    while True:
        host = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(2, 254)}"
        with contextlib.suppress(OSError):
            for port in ports:
                with socket.socket() as probe:
                    probe.bind((host, port))
            return host


@contextlib.contextmanager
def opened(host: str, port: int, login: Login, ca_pem: str | None) -> Iterator[Any]:
    """An ldap3 connection, not yet bound: over TLS that is verified, or without a CA in plain text."""
    import ldap3

    tls = ldap3.Tls(ca_certs_data=ca_pem, validate=ssl.CERT_REQUIRED, valid_names=["localhost"]) if ca_pem else None
    server = ldap3.Server(host, port, use_ssl=tls is not None, tls=tls, get_info=ldap3.NONE)
    connection = ldap3.Connection(server, login.user, login.password)
    connection.open()
    with connection.socket:  # which `unbind` leaves open when the server was faster
        try:
            yield connection
        finally:
            connection.unbind()


@contextlib.contextmanager
def _bound(host: str, port: int, login: Login, ca_pem: str) -> Iterator[Any]:
    with opened(host, port, login, ca_pem) as connection:
        connection.raise_exceptions = True
        connection.bind()
        yield connection
