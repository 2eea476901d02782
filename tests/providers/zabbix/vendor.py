"""Zabbix as it is, version 6.0, and in miniature as 7.2 differs from it."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

from jackfield.net.network import Network
from providers.contract import HttpWorld, World
from support.servers.room import unique
from support.servers.web import Zabbix
from support.vendor import Answer, MiniatureVendor, Request

METHOD = "api-token"
HOSTS = "secret-sync/host-macros"
GLOBAL = "secret-sync/global-macros"
HOST_METHODS = ["usermacro.create", "usermacro.update", "usermacro.delete"]
GLOBAL_METHODS = ["usermacro.createglobal", "usermacro.updateglobal", "usermacro.deleteglobal"]
READING = ["host.get", "usermacro.get"]
ALL = [*READING, *HOST_METHODS, *GLOBAL_METHODS]
TYPES = {1: READING, 2: [*READING, *HOST_METHODS], 3: ALL}  # what each user type may call of it


def lost_with(permission: str) -> set[str]:
    """Rows that are lost together with one."""
    match permission:
        case "user type Admin or Super admin":
            return {"user type Super admin", *HOST_METHODS, *GLOBAL_METHODS}
        case "user type Super admin":
            return set(GLOBAL_METHODS)
        case "role API access on":
            return set(ALL)
    return set()


class RealZabbix(World):
    """A user of a real server whose role allows the methods of the uses and nothing else, not even to read itself."""

    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {HOSTS: {}, GLOBAL: {}}
    private_allowed = True
    shared = True
    user_type = 3

    def __init__(self, server: Zabbix) -> None:
        self.server = server
        self.admin = server.token()
        number = unique("")  # all workers share the server
        group = self.made("hostgroup.create", {"name": f"group-{number}"})
        self.host_id = self.made("host.create", {"host": f"host-{number}", "groups": [{"groupid": group}]})
        self.host_group = group
        self.methods = list(TYPES[self.user_type])
        self.role = self.made(
            "role.create", {"name": f"role-{number}", "type": self.user_type, "rules": self._rules(self.methods)}
        )
        self.user_group = self.made(
            "usergroup.create", {"name": f"people-{number}", "rights": [{"id": group, "permission": 3}]}
        )
        self.user = self.made(
            "user.create",
            {
                "username": f"kms-{number}",
                "roleid": self.role,
                "usrgrps": [{"usrgrpid": self.user_group}],
                "passwd": f"Zx9!kkqWq{number}",
            },
        )
        self.token = server.token(self.user)
        self.uses = {HOSTS: {"hostId": self.host_id}, GLOBAL: {}}  # type: ignore[misc]  # of this host
        self.macros = on_host, on_all = f"{{$JF_H{number.upper()}}}", f"{{$JF_G{number.upper()}}}"
        host_macro = self.made("usermacro.create", {"hostid": self.host_id, "macro": on_host, "value": "1"})
        self.global_macro = self.made("usermacro.createglobal", {"macro": on_all, "value": "1"})
        self.offers = {  # type: ignore[misc]  # of this host
            "hosts": ({}, [self.host_id]),
            "host_macros": ({"hostId": self.host_id}, [host_macro]),
            "global_macros": ({}, [self.global_macro]),
        }

    def __exit__(self, *exception: object) -> None:
        made = {"user.delete": self.user, "host.delete": self.host_id, "usermacro.deleteglobal": self.global_macro}
        for method, number in made.items():
            self.call(method, [number])

    def call(self, method: str, params: object) -> Any:
        answer = self.server.call(method, params, self.admin)
        assert "result" in answer, answer
        return answer["result"]

    def made(self, method: str, params: object) -> str:
        """The id of a new object."""
        return str(next(iter(self.call(method, params).values()))[0])

    def change_role(self, methods: list[str], **changes: object) -> None:
        self.call("role.update", {"roleid": self.role, "rules": self._rules(methods), **changes})

    def change_token(self, **changes: object) -> None:
        self.call("token.update", {"tokenid": self.token_id(), **changes})

    def token_id(self) -> str:
        return str(self.call("token.get", {"token": self.token})[0]["tokenid"])

    def _rules(self, methods: list[str]) -> dict[str, object]:
        return {"api.access": 1, "api.mode": 1, "api": methods, "actions.default_access": 0}

    def network(self) -> Network:
        return Network()

    def fields(self, method: str) -> dict[str, Any]:
        return {"instanceUrl": f"{self.server.url}/index.php", "apiToken": self.token}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "apiToken": "0123456789abcdef" * 4}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission == "role API access on":
            self.call("role.update", {"roleid": self.role, "rules": {"api.access": 0}})
        elif permission.startswith("user type"):
            kind = 2 if permission == "user type Super admin" else 1
            self.change_role(TYPES[kind], type=kind)
        else:
            self.change_role([name for name in self.methods if name != permission])

    def wider(self, method: str, use: str, permission: str) -> set[str]:
        return lost_with(permission)

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission.startswith("host group permission")  # of a super admin

    def methods_for_failure(self, failure: str) -> list[str]:
        return [METHOD] if failure in {"bad-token", "expired"} else []

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "expired":
            self.change_token(expires_at=1000)
            return None
        return self.wrong_fields(method)

    def add_excess(self, method: str) -> str:
        return ""  # this role may not read itself

    def revoke(self, method: str) -> None:
        self.call("token.delete", [self.token_id()])


class RealZabbixAdmin(RealZabbix):
    """The same as an Admin, who needs a right on the host group and cannot have global macros."""

    user_type = 2


class NewZabbix(HttpWorld):
    """Version 7.2: the token in a header only, refused wherever none is asked for; a role that may read itself."""

    hosts = ("zabbix.example.com",)
    token = "fedcba9876543210" * 4
    credentials: ClassVar = {
        METHOD: {"instanceUrl": "https://zabbix.example.com/zabbix/api_jsonrpc.php", "apiToken": token}
    }
    uses: ClassVar = {HOSTS: {"hostId": "10084"}, GLOBAL: {}}
    offers: ClassVar = {
        "hosts": ({}, ["10084"]),
        "host_macros": ({"hostId": "10084"}, ["21"]),
        "global_macros": ({}, ["7"]),
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.version = "7.2.4"
        self.user_type = 3
        self.rules: dict[str, Any] = {
            "api.access": "1",
            "api.mode": "1",
            "api": [*ALL, "role.get", "token.get"],
        }
        self.expires_at = 0
        self.alive = True
        self.drops_header = False
        self.knows_tokens = True
        self.status = 200
        self.revoked = False
        vendor.post("/zabbix/api_jsonrpc.php")(self._answer)

    def _answer(self, request: Request) -> Any:
        assert request.headers["content-type"] == "application/json-rpc"
        if self.status != 200:
            return Answer(self.status, body="")
        asked = request.json()
        said = self._said(request, asked)
        return {"jsonrpc": "2.0", "id": asked["id"], **(said if "error" in said else {"result": said["result"]})}

    def _said(self, request: Request, asked: dict[str, Any]) -> dict[str, Any]:
        method, params = asked["method"], asked["params"]
        if set(asked) != {"jsonrpc", "id", "method", "params"}:
            return error('Invalid parameter "/": unexpected parameter "auth".', -32600)
        if method in {"apiinfo.version", "user.checkAuthentication"}:
            if "authorization" in request.headers:
                return error(f'The "{method}" method must be called without authorization header.')
            return {"result": self.version} if method == "apiinfo.version" else self._authenticated(params)
        token = "" if self.drops_header else request.bearer
        if token != self.token or not self.alive or self.revoked:
            return error("Not authorized.")
        if not self._allows(method):
            return error(f'No permissions to call "{method}".')
        handler: Callable[[Any], Any] = {
            "host.get": lambda _: [{"hostid": "10084", "host": "web"}],
            "usermacro.get": self._macros,
            "role.get": lambda _: [{"roleid": "4", "rules": self.rules}],
            "token.get": lambda _: [{"name": "kms", "status": "0", "expires_at": str(self.expires_at)}],
        }.get(method, lambda _: None)
        found = handler(params)
        return error('Invalid parameter "/": cannot be empty.') if found is None else {"result": found}

    def _macros(self, params: Any) -> Any:
        if params.get("globalmacro"):
            return [{"globalmacroid": "7", "macro": "{$SNMP}", "type": "0"}]
        return [{"hostmacroid": "21", "macro": "{$URL}", "type": "0"}]

    def _authenticated(self, params: dict[str, Any]) -> dict[str, Any]:
        if not self.knows_tokens:
            return error('Invalid parameter "/": unexpected parameter "token".')
        if params["token"] != self.token or not self.alive:
            return error("Not authorized.")
        if 0 < self.expires_at < time.time():
            return error("API token expired.", -32500)
        user = {"userid": "3", "username": "kms", "name": "KMS", "surname": "Sync", "roleid": "4"}
        return {"result": {**user, "type": self.user_type}}

    def _allows(self, method: str) -> bool:
        needs = next((kind for kind, methods in TYPES.items() if method in methods), 1)
        service, verb = method.split(".")
        named = bool({method, "*", f"{service}.*", f"*.{verb}"} & set(self.rules["api"]))
        return self.rules["api.access"] == "1" and self.user_type >= needs and named == (self.rules["api.mode"] == "1")

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "apiToken": "0123456789abcdef" * 4}

    def remove(self, method: str, use: str, permission: str) -> None:
        if permission == "role API access on":
            self.rules["api.access"] = "0"
        elif permission.startswith("user type"):
            self.user_type = 2 if permission == "user type Super admin" else 1
        else:
            self.rules["api"].remove(permission)

    def wider(self, method: str, use: str, permission: str) -> set[str]:
        return lost_with(permission)

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission.startswith("host group permission")

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "not-the-api":
                self.status = 404
            case "content-type":
                self.status = 412
            case "too-old":
                self.knows_tokens = False
            case "expired":
                self.expires_at = 1000
            case "bad-token":
                return self.wrong_fields(method)
            case "header-dropped":
                self.drops_header = True
        return None

    def add_excess(self, method: str) -> str:
        self.rules["api"].append("script.execute")
        return "script.execute"

    def revoke(self, method: str) -> None:
        self.revoked = True


def error(data: str, code: int = -32602) -> dict[str, Any]:
    return {"error": {"code": code, "message": "Invalid params.", "data": data}}
