"""The servers that other tests stand on: each takes a right credential and refuses a wrong one in its own way."""

import base64
import hashlib
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from support.servers.certificates import Certificates
from support.servers.databases import MariaDB, Postgres
from support.servers.directories import ActiveDirectory, OpenLDAP, opened
from support.servers.hosts import OpenSSH, Smb
from support.servers.room import Login, ServerRoom
from support.servers.stores import Mongo, OpenRedis, Redis
from support.servers.web import Aws, Chef, OpenBao, Zabbix

psycopg = pytest.importorskip("psycopg")


class TestPostgres:
    def login(self, server: Postgres, login: Login, **options: object) -> str:
        with psycopg.connect(
            host=server.host,
            port=server.port,
            user=login.user,
            password=login.password,
            **{"dbname": "postgres", "sslmode": "require", **options},
        ) as connection:
            return str(connection.execute("select current_user").fetchone()[0])

    def refusal(self, server: Postgres, login: Login, **options: object) -> str:
        with pytest.raises(psycopg.OperationalError) as caught:
            self.login(server, login, **options)
        return str(caught.value)

    def test_takes_the_right_password_only(self, postgres: Postgres) -> None:
        with postgres.role() as login:
            assert self.login(postgres, login) == login.user
            assert "password authentication failed" in self.refusal(postgres, Login(login.user, "no"))
            assert "does not exist" in self.refusal(postgres, login, dbname="nowhere")

    def test_trusted_roles_get_in_with_any_password(self, postgres: Postgres) -> None:
        with postgres.role("in role trusted") as login:
            assert self.login(postgres, Login(login.user, "anything")) == login.user

    def test_turns_away_by_rule_by_limit_and_by_date(self, postgres: Postgres) -> None:
        with postgres.role("in role rejected") as login:
            assert "pg_hba.conf rejects connection" in self.refusal(postgres, login)
        with postgres.role("connection limit 0") as login:
            assert "too many connections" in self.refusal(postgres, login)
        with postgres.role("valid until '2020-01-01'") as login:
            assert "password authentication failed" in self.refusal(postgres, login)

    def test_tls_is_verified_and_may_be_demanded(
        self, postgres: Postgres, server_certificates: Certificates, tmp_path: Path
    ) -> None:
        right, other = tmp_path / "ca.pem", tmp_path / "other.pem"
        right.write_text(postgres.ca_pem)
        other.write_text(server_certificates.other_ca_pem)
        with postgres.role("in role tls_only") as login:
            assert self.login(postgres, login, sslmode="verify-full", sslrootcert=str(right)) == login.user
            assert "pg_hba.conf" in self.refusal(postgres, login, sslmode="disable")
            refused = self.refusal(postgres, login, sslmode="verify-full", sslrootcert=str(other))
            assert "certificate verify failed" in refused

    def test_a_client_certificate_is_a_login(
        self, postgres: Postgres, server_certificates: Certificates, tmp_path: Path
    ) -> None:
        with postgres.role("in role certified") as login:
            certificate, key = server_certificates.issue_client(login.user, tmp_path)
            assert self.login(postgres, login, sslcert=str(certificate), sslkey=str(key)) == login.user
            assert "certificate" in self.refusal(postgres, login, sslcert="", sslkey="")

    def test_a_fresh_database_is_gone_afterwards(self, postgres: Postgres) -> None:
        with postgres.database() as name:
            assert postgres.execute("select current_database()", database=name) == [(name,)]
        assert postgres.execute("select 1 from pg_database where datname = %s", name) == []


class TestMariaDB:
    async def login(self, server: MariaDB, login: Login, *, tls: bool = True, ca_pem: str | None = None) -> str:
        import asyncmy

        connection = await asyncmy.connect(
            host=server.host,
            port=server.port,
            user=login.user,
            password=login.password,
            ssl=ssl.create_default_context(cadata=ca_pem or server.ca_pem) if tls else None,
        )
        try:
            async with connection.cursor() as cursor:
                await cursor.execute("select current_user()")
                return str((await cursor.fetchone())[0])
        finally:
            connection.close()

    async def code(self, server: MariaDB, login: Login, *, tls: bool = True) -> int:
        from asyncmy.errors import Error

        with pytest.raises(Error) as caught:
            await self.login(server, login, tls=tls)
        return int(caught.value.args[0])

    async def test_takes_the_right_password_only(self, mariadb: MariaDB) -> None:
        with mariadb.database() as name, mariadb.account(grants=f"select on {name}.*") as login:
            assert await self.login(mariadb, login) == f"{login.user}@127.0.0.1"
            assert await self.code(mariadb, Login(login.user, "no")) == 1045

    async def test_locked_and_expired_accounts_and_plain_text_are_refused(self, mariadb: MariaDB) -> None:
        with mariadb.account("account lock") as login:
            assert await self.code(mariadb, login) == 4151
        with mariadb.account("password expire") as login:
            assert await self.code(mariadb, login) == 1820
        with mariadb.account("require ssl") as login:
            assert await self.code(mariadb, login, tls=False) == 1045
            assert await self.login(mariadb, login) == f"{login.user}@127.0.0.1"

    async def test_its_certificate_is_verified(self, mariadb: MariaDB, server_certificates: Certificates) -> None:
        with mariadb.account() as login, pytest.raises(Exception, match="certificate verify failed"):
            await self.login(mariadb, login, ca_pem=server_certificates.other_ca_pem)


class TestRedis:
    async def ask(self, server: Redis | OpenRedis, login: Login | None, *command: str, tls: bool = False) -> object:
        from redis.asyncio import Redis as Client
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        client = Client(
            host=server.host,
            port=server.tls_port if tls else server.port,
            username=login.user if login else None,
            password=login.password if login else None,
            ssl=tls,
            ssl_ca_data=server.ca_pem if tls else None,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),  # the client's own would try a refused login ten times
        )
        try:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's own
        finally:
            await client.aclose()

    @pytest.mark.parametrize("tls", [False, True])
    async def test_takes_the_right_password_only(self, redis_server: Redis, tls: bool) -> None:
        from redis.exceptions import AuthenticationError, NoPermissionError

        with redis_server.account("~app:*", "+@read", "+@connection") as login:
            assert await self.ask(redis_server, login, "GET", "app:1", tls=tls) is None
            with pytest.raises(NoPermissionError):
                await self.ask(redis_server, login, "SET", "app:1", "x", tls=tls)
            with pytest.raises(AuthenticationError, match="invalid username-password"):
                await self.ask(redis_server, Login(login.user, "no"), "PING", tls=tls)

    async def test_strangers_get_in_only_where_the_default_user_has_no_password(
        self, redis_server: Redis, open_redis: OpenRedis
    ) -> None:
        from redis.exceptions import AuthenticationError

        assert await self.ask(open_redis, None, "ACL", "WHOAMI") == "default"
        with pytest.raises(AuthenticationError):
            await self.ask(redis_server, None, "ACL", "WHOAMI")


class TestMongo:
    def login(self, server: Mongo, login: Login, ca_file: str | None = None) -> object:
        from pymongo import MongoClient

        with MongoClient[dict[str, Any]](
            server.host,
            server.port,
            username=login.user,
            password=login.password,
            tls=True,
            tlsCAFile=ca_file or server.ca_file,
            serverSelectionTimeoutMS=1000,
        ) as client:
            return client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"][0]["user"]

    def test_takes_the_right_password_only(self, mongo: Mongo) -> None:
        from pymongo.errors import OperationFailure

        with mongo.account({"role": "read", "db": "app"}) as login:
            assert self.login(mongo, login) == login.user
            with pytest.raises(OperationFailure) as caught:
                self.login(mongo, Login(login.user, "no"))
        assert caught.value.code == 18

    def test_its_certificate_is_verified(self, mongo: Mongo, server_certificates: Certificates, tmp_path: Path) -> None:
        from pymongo.errors import ServerSelectionTimeoutError

        other = tmp_path / "other.pem"
        other.write_text(server_certificates.other_ca_pem)
        with pytest.raises(ServerSelectionTimeoutError, match="certificate verify failed"):
            self.login(mongo, Login(mongo.user, mongo.password), str(other))


def bind(host: str, port: int, login: Login, ca_pem: str | None) -> dict[str, object]:
    """The result of an LDAP bind; without a CA it goes in plain text."""
    with opened(host, port, login, ca_pem) as connection:
        connection.bind()
        result: dict[str, object] = connection.result
        return result


class TestOpenLDAP:
    def test_takes_the_right_password_only(self, openldap: OpenLDAP) -> None:
        with openldap.person() as login:
            assert bind(openldap.host, openldap.tls_port, login, openldap.ca_pem)["result"] == 0
            wrong = bind(openldap.host, openldap.tls_port, Login(login.user, "no"), openldap.ca_pem)
        assert wrong["result"] == 49

    def test_its_certificate_is_verified(self, openldap: OpenLDAP, server_certificates: Certificates) -> None:
        other = ssl.create_default_context(cadata=server_certificates.other_ca_pem)
        with (
            socket.create_connection((openldap.host, openldap.tls_port), 5) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            other.wrap_socket(plain, server_hostname="localhost")


class TestActiveDirectory:
    def bind(self, server: ActiveDirectory, login: Login, *, tls: bool = True) -> dict[str, object]:
        return bind(server.host, server.tls_port if tls else server.port, login, server.ca_pem if tls else None)

    def test_takes_the_right_password_only(self, active_directory: ActiveDirectory) -> None:
        with active_directory.person() as login:
            assert self.bind(active_directory, login)["result"] == 0
            wrong = self.bind(active_directory, Login(login.user, "no"))
            assert (wrong["result"], "data 52e" in str(wrong["message"])) == (49, True)
            assert self.bind(active_directory, login, tls=False)["result"] == 8

    def test_says_why_a_right_password_is_refused(self, active_directory: ActiveDirectory) -> None:
        with active_directory.person(disabled=True) as login:
            assert "data 533" in str(self.bind(active_directory, login)["message"])
        with active_directory.person(must_change=True) as login:
            assert "data 773" in str(self.bind(active_directory, login)["message"])


class TestOpenSSH:
    async def whoami(self, server: OpenSSH, **credential: object) -> str:
        import asyncssh

        known = asyncssh.import_known_hosts(f"[{server.host}]:{server.port} {server.host_key}\n")
        options = {"known_hosts": known, "config": None, "agent_path": None, "username": server.user, **credential}
        async with asyncssh.connect(server.host, server.port, **options) as connection:
            return str((await connection.run("whoami")).stdout).strip()

    async def test_takes_the_right_password_only(self, openssh: OpenSSH) -> None:
        import asyncssh

        assert await self.whoami(openssh, password=openssh.password, client_keys=None) == openssh.user
        with pytest.raises(asyncssh.PermissionDenied):
            await self.whoami(openssh, password="no", client_keys=None)

    async def test_takes_the_right_key_only(self, openssh: OpenSSH) -> None:
        import asyncssh

        sealed = asyncssh.import_private_key(openssh.sealed_key_pem, openssh.passphrase)
        for key in (asyncssh.import_private_key(openssh.key_pem), sealed):
            assert await self.whoami(openssh, client_keys=[key]) == openssh.user
        with pytest.raises(asyncssh.KeyEncryptionError):
            asyncssh.import_private_key(openssh.sealed_key_pem, "no")
        with pytest.raises(asyncssh.PermissionDenied):
            await self.whoami(openssh, client_keys=[asyncssh.import_private_key(openssh.other_key_pem)])


class TestSmb:
    def test_takes_the_right_password_only(self, smb: Smb) -> None:
        from smbprotocol.exceptions import BadNetworkName, LogonFailure

        assert self.open_share(smb, smb.password, smb.share) is True
        with pytest.raises(LogonFailure):
            self.open_share(smb, "no", smb.share)
        with pytest.raises(BadNetworkName):
            self.open_share(smb, smb.password, "nowhere")

    def open_share(self, server: Smb, password: str, share: str) -> bool:
        import uuid

        from smbprotocol.connection import Connection
        from smbprotocol.session import Session
        from smbprotocol.tree import TreeConnect

        connection = Connection(uuid.uuid4(), server.host, server.port)
        connection.connect(timeout=10)
        try:
            session = Session(connection, server.user, password, auth_protocol="ntlm")
            session.connect()
            tree = TreeConnect(session, rf"\\{server.host}\{share}")
            tree.connect()
            return tree.tree_connect_id is not None
        finally:
            connection.disconnect()


class TestOpenBao:
    def test_tells_tokens_policies_and_namespaces_apart(self, openbao: OpenBao) -> None:
        policy = 'path "secret/data/app/*" { capabilities = ["read"] }'
        openbao.ask("PUT", "sys/policies/acl/self-test", {"policy": policy}).raise_for_status()
        made = openbao.ask("POST", "auth/token/create", {"policies": ["self-test"], "ttl": "5m"})
        token = made.json()["auth"]["client_token"]
        paths = {"paths": ["secret/data/app/x", "secret/data/y"]}
        held = openbao.ask("POST", "sys/capabilities-self", paths, token=token).json()["data"]
        assert (held["secret/data/app/x"], held["secret/data/y"]) == (["read"], ["deny"])
        assert openbao.ask("GET", "auth/token/lookup-self", token="no").status_code == 403
        assert openbao.ask("GET", "sys/mounts", namespace="nope").status_code == 404

    def test_its_certificate_is_verified(self, openbao: OpenBao, server_certificates: Certificates) -> None:
        other = ssl.create_default_context(cadata=server_certificates.other_ca_pem)
        with (
            httpx.Client(verify=other, trust_env=False) as client,
            pytest.raises(httpx.ConnectError, match="certificate verify failed"),
        ):
            client.get(f"{openbao.url}/v1/sys/health")


class TestZabbix:
    def test_takes_the_right_password_and_token_only(self, zabbix: Zabbix) -> None:
        users = zabbix.call("user.get", {"output": ["username"]}, zabbix.token())["result"]
        assert "Admin" in {user["username"] for user in users}
        refused = zabbix.call("user.login", {"username": zabbix.user, "password": "no"})["error"]
        assert refused["code"] in {-32500, -32602}
        assert zabbix.call("user.get", {"output": ["username"]}, "bad")["error"]["code"] == -32602

    def test_hosts_can_be_made(self, zabbix: Zabbix) -> None:
        token = zabbix.token()
        group = zabbix.call("hostgroup.create", {"name": "self-test"}, token)["result"]["groupids"][0]
        made = zabbix.call("host.create", {"host": "self-test", "groups": [{"groupid": group}]}, token)
        assert len(made["result"]["hostids"]) == 1


class TestChef:
    def get(self, server: Chef, path: str, key_pem: str, user: str | None = None) -> httpx.Response:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body_hash = base64.b64encode(hashlib.sha256(b"").digest()).decode()
        user = user or server.user
        signed = (
            f"Method:GET\nPath:{path}\nX-Ops-Content-Hash:{body_hash}\nX-Ops-Sign:version=1.3\n"
            f"X-Ops-Timestamp:{now}\nX-Ops-UserId:{user}\nX-Ops-Server-API-Version:1"
        )
        key = load_pem_private_key(key_pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        signature = base64.b64encode(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
        headers = {
            "X-Ops-Sign": "version=1.3",
            "X-Ops-Timestamp": now,
            "X-Ops-UserId": user,
            "X-Ops-Content-Hash": body_hash,
            "X-Ops-Server-API-Version": "1",
            "X-Chef-Version": "17.0.0",
            "Accept": "application/json",
        }
        for start in range(0, len(signature), 60):
            headers[f"X-Ops-Authorization-{start // 60 + 1}"] = signature[start : start + 60]
        with httpx.Client(trust_env=False) as client:
            return client.get(server.url + path, headers=headers)

    def test_takes_the_right_key_only(self, chef: Chef) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        right = self.get(chef, "/users", chef.key_pem)
        assert (right.status_code, chef.user in right.json()) == (200, True)
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = other.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
        assert self.get(chef, "/users", pem).status_code == 401
        assert self.get(chef, "/users", chef.key_pem, "nobody").status_code == 401


class TestAws:
    def code(self, server: Aws, login: Login, service: str = "sts", call: str = "get_caller_identity") -> str:
        from botocore.exceptions import ClientError

        with pytest.raises(ClientError) as caught:
            getattr(server.client(service, login), call)()
        return str(caught.value.response["Error"])

    def test_checks_signatures_and_policies(self, aws: Aws) -> None:
        allow = {"Effect": "Allow", "Action": "secretsmanager:CreateSecret", "Resource": "*"}
        with aws.access_key(allow) as login:
            assert aws.client("sts", login).get_caller_identity()["Account"] == "123456789012"
            assert "SignatureDoesNotMatch" in self.code(aws, Login(login.user, "no"))
            assert "InvalidClientTokenId" in self.code(aws, Login("AKIAIOSFODNN7EXAMPLE", "no"))
            assert "AccessDenied" in self.code(aws, login, "secretsmanager", "list_secrets")
            aws.client("secretsmanager", login).create_secret(Name=login.user, SecretString="v")
        assert login.user in {secret["Name"] for secret in aws.client("secretsmanager").list_secrets()["SecretList"]}


def test_everyone_is_given_the_same_server(server_room: ServerRoom, redis_server: Redis) -> None:
    """A second worker reads the description of the first one's server instead of starting another."""
    assert ServerRoom(server_room.folder).get(Redis) == redis_server


def test_a_closed_room_leaves_neither_process_nor_folder(tmp_path: Path) -> None:
    room = ServerRoom.open()
    server = room.get(OpenRedis)
    room.close()
    assert not room.folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), 1)
