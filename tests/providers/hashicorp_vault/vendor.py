"""Vault as it is: OpenBao with a policy, a role and a token of its own; what only other servers say, a miniature."""

import re
from contextlib import ExitStack
from types import TracebackType
from typing import Any, ClassVar, Self

from jackfield.net.network import Network
from providers.contract import World
from support.servers.room import unique
from support.servers.web import OpenBao
from support.vendor import Answer, MiniatureVendor

ROLE, TOKEN = "app-role", "access-token"
SYNC, IMPORT = "secret-sync/kv", "other/import"
PATH = "apps/web"

# What other servers answer to every request.
ANSWERS = {
    "sealed": Answer(503, json={"errors": ["Vault is sealed"]}),
    "standby": Answer(473, json={"errors": []}),
    "no-approle": Answer(404, json={"errors": ["no handler for route 'auth/approle/login'"]}),
    "not-a-vault": Answer(404, json={"error": "Not Found"}),
    "login-refused": Answer(403, json={"errors": ["permission denied"]}),
}


class VaultWorld(World):
    """A KV engine, and a policy that says exactly what the uses need."""

    credentials: ClassVar = {ROLE: {}, TOKEN: {}}
    private_allowed = True
    namespace = ""
    uses: ClassVar = {SYNC: {}, IMPORT: {}}
    shared = True  # the namespaces of other worlds

    def __init__(self, server: OpenBao, *, version: str = "2") -> None:
        self.server = server
        self.version = version
        self.mount, self.name = unique("kv"), unique("kms")
        self.engines = {"kubernetes": unique("k8s"), "database": unique("db"), "ldap": unique("ldap")}
        self.engines |= {"cluster": unique("cluster"), "mount": self.mount, "path": PATH}
        self.uses = {  # type: ignore[misc]  # every world has an engine of its own
            SYNC: {"mount": self.mount, "path": PATH, "version": version},
            IMPORT: {
                **{name: path for name, path in self.engines.items() if name != "path"},
                "policies": "yes",
                "namespaces": "yes",
            },
        }
        self.inner = unique("inner")
        self.offers = {  # type: ignore[misc]  # the same
            "engines": ({}, [self.mount]),
            "paths": ({"mount": self.mount}, ["web"]),  # what ends with a slash is a folder
            "namespaces": ({}, [self.inner]),
        }
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.ask("POST", "sys/auth/approle", {"type": "approle"})  # 400 where it is there already
        self.must("POST", f"sys/mounts/{self.mount}", {"type": "kv", "options": {"version": self.version}})
        self._open.callback(self.ask, "DELETE", f"sys/mounts/{self.mount}")
        self.rules = self.needed()
        self.write_policy()
        self.must("POST", f"auth/approle/role/{self.name}", {"token_policies": self.name, "token_ttl": "5m"})
        role = self.must("GET", f"auth/approle/role/{self.name}/role-id")
        secret = self.must("POST", f"auth/approle/role/{self.name}/secret-id", {"ttl": "1h"})
        self.role_id, self.secret_id = role["data"]["role_id"], secret["data"]["secret_id"]
        self.token = self.new_token()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        return self.server.ask(method, path, body, namespace=self.namespace)

    def must(self, method: str, path: str, body: object = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def needed(self) -> dict[str, set[str]]:
        of = self.engines
        data = "/data" if self.version == "2" else ""
        return {
            f"{self.mount}{data}/{PATH}": {"create", "read", "update"},
            f"auth/approle/role/{self.name}/secret-id/lookup": {"update"},
            "sys/mounts": {"read"},
            "sys/auth": {"read"},
            "sys/policy": {"read", "list"},
            "sys/policy/*": {"read"},
            "sys/namespaces": {"list"},
            f"{self.mount}/metadata/*": {"list"},
            f"{self.mount}/data/*": {"read"},
            f"auth/{of['kubernetes']}/config": {"read"},
            f"auth/{of['kubernetes']}/role/*": {"list", "read"},
            f"{of['database']}/config/*": {"read"},
            f"{of['ldap']}/config": {"read"},
            f"{of['cluster']}/config": {"read"},
            **{f"{of[name]}/roles": {"list"} for name in ("database", "cluster")},
            **{f"{of[name]}/roles/*": {"read"} for name in ("database", "cluster")},
            f"{of['ldap']}/role": {"list"},
            f"{of['ldap']}/role/*": {"read"},
        }

    def write_policy(self) -> None:
        blocks = [
            f'path "{path}" {{ capabilities = [{", ".join(f"{chr(34)}{one}{chr(34)}" for one in sorted(held))}] }}'
            for path, held in self.rules.items()
        ]
        self.must("PUT", f"sys/policies/acl/{self.name}", {"policy": "\n".join(blocks)})

    def new_token(self, **options: Any) -> str:
        made = self.must("POST", "auth/token/create", {"policies": [self.name], "ttl": "1h", **options})
        return str(made["auth"]["client_token"])

    def token_of_another_namespace(self) -> str:
        name = unique("other")
        assert self.server.ask("POST", f"sys/namespaces/{name}", {}).is_success
        made = self.server.ask("POST", "auth/token/create", {"policies": ["default"]}, namespace=name)
        return str(made.json()["auth"]["client_token"])

    def set_role(self, **options: Any) -> None:
        self.must("POST", f"auth/approle/role/{self.name}", {"token_policies": self.name, **options})

    # The suite.

    def network(self) -> Network:
        return Network()

    def fields(self, method: str) -> dict[str, Any]:
        place = {
            "instanceUrl": f"{self.server.url}/",
            "namespace": self.namespace,
            "caCertificate": self.server.ca_pem,
        }
        if method == TOKEN:
            return {**place, "accessToken": self.token}
        return {**place, "roleId": self.role_id, "secretId": self.secret_id}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        wrong = {"accessToken": "s.WrongTokenOfNobody0000000"}
        if method == ROLE:
            wrong = {"secretId": "00000000-1111-2222-3333-444444444444"}
        return {**self.fields(method), **wrong}

    def allow_pickers(self) -> None:
        self.rules[f"{self.mount}/metadata"] = {"list"}
        self.write_policy()
        for path in ("web", PATH):
            self.must("POST", f"{self.mount}/data/{path}", {"data": {"A": "1"}})
        self.must("POST", f"sys/namespaces/{self.inner}", {})

    def remove(self, method: str, use: str, permission: str) -> None:
        verb, path = permission.rpartition(": ")[2].split(" on ")
        path = re.sub(r"\{target\.(\w+)\}", lambda found: self.engines[found[1]], path)
        if path == f"{self.mount}/{PATH}":  # as version 1 has it
            path = f"{self.mount}/data/{PATH}"
        self.rules[path].remove(verb)
        self.rules[path] = self.rules[path] or {"deny"}
        self.write_policy()

    def add_excess(self, method: str) -> str:
        self.rules["sys/policies/acl/*"] = {"update"}
        self.write_policy()
        return "update on sys/policies/acl/*"

    def methods_for_failure(self, failure: str) -> list[str]:
        of_login = {"bad-login", "login-refused", "no-approle", "no-lookup"}
        of_token = {"bad-token", "not-a-vault", "other-namespace"}
        return [ROLE] if failure in of_login else [TOKEN] if failure in of_token else [ROLE, TOKEN]

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "bad-login" | "bad-token":
                return self.wrong_fields(method)
            case "no-namespace":
                return {**self.fields(method), "namespace": "nobody/here"}
            case "other-namespace":
                return {**self.fields(method), "accessToken": self.token_of_another_namespace(), "namespace": ""}
            case "no-lookup":
                self.set_role(token_no_default_policy=True)
                return None
        return self.answered_by(ANSWERS[failure], method)

    def answered_by(self, answer: Answer, method: str) -> dict[str, Any]:
        """The same fields for another server, which answers everything alike."""
        other = self._open.enter_context(MiniatureVendor())
        for verb in ("GET", "POST"):
            other.answers(verb, "/{rest:path}", answer)
        return {**self.fields(method), "instanceUrl": other.url, "caCertificate": other.authority.ca_pem}

    def own_tokens(self) -> list[str]:
        """The accessors of the tokens that hold this world's policy; all workers share the server."""
        listed = self.must("LIST", "auth/token/accessors")["data"]["keys"]
        return [accessor for accessor in listed if self.name in self._policies(accessor)]

    def _policies(self, accessor: str) -> list[str]:
        """Those of one token; none when it has ended meanwhile."""
        answer = self.ask("POST", "auth/token/lookup-accessor", {"accessor": accessor})
        return list(answer.json()["data"]["policies"]) if answer.is_success else []

    def revoke(self, method: str) -> None:
        for accessor in self.own_tokens():
            self.must("POST", "auth/token/revoke-accessor", {"accessor": accessor})


class NamespacedVaultWorld(VaultWorld):
    """The same in a namespace, which every request has to name."""

    def __enter__(self) -> Self:
        name = unique("team")
        assert self.server.ask("POST", f"sys/namespaces/{name}", {}).is_success
        self.namespace = name
        return super().__enter__()
