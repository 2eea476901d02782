"""Zabbix: where a version of its API expects the token, and what a role allows."""

import json
import re
from collections.abc import Generator, Mapping
from typing import Any, Final

import httpx

from jackfield.model.check import FailureKind
from jackfield.net.failure import NetFailure
from jackfield.providers.contract.call import Call

# Method → the least user type that may call it: 2 is Admin, 3 is Super admin.
_LEAST_TYPE: Final = {
    "usermacro.create": 2,
    "usermacro.update": 2,
    "usermacro.delete": 2,
    "usermacro.createglobal": 3,
    "usermacro.updateglobal": 3,
    "usermacro.deleteglobal": 3,
}
_BEARER_SINCE: Final = (6, 4)
_TAKES_BEARER: Final = "takes bearer"
_ACCEPTED: Final = "accepted"


def authorise(call: Call) -> httpx.Auth:
    """Puts the token into a header, or into the body where the server is older than that."""
    return _Token(call)


async def judge_methods(call: Call) -> Mapping[str, object]:
    """Which methods a role allows its user. Arguments: `type` of the user and `rules` of the role, as read."""
    rules: Mapping[str, Any] = call.arguments["rules"]  # type: ignore[assignment]  # as the provider file declares
    kind = int(str(call.arguments["type"]))
    return {"allowed": {name: kind >= least and _allows(rules, name) for name, least in _LEAST_TYPE.items()}}


def _allows(rules: Mapping[str, Any], method: str) -> bool:
    service, _, verb = method.partition(".")
    named = bool({method, f"{service}.*", f"*.{verb}", "*", "*.*"} & set(rules["api"]))
    only_listed = str(rules["api.mode"]) == "1"  # else the listed ones are denied; an empty list limits nothing
    return str(rules["api.access"]) == "1" and (not rules["api"] or named == only_listed)


class _Token(httpx.Auth):
    requires_request_body = True
    requires_response_body = True

    def __init__(self, call: Call) -> None:
        self._token = call.text("apiToken")
        self._kept = call.kept

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if _TAKES_BEARER not in self._kept:
            answer = yield _with_body(request, {"jsonrpc": "2.0", "id": 1, "method": "apiinfo.version", "params": []})
            self._kept[_TAKES_BEARER] = _version(answer) >= _BEARER_SINCE
        if self._kept[_TAKES_BEARER]:
            request.headers["authorization"] = f"Bearer {self._token}"
        else:
            request = _with_body(request, {**json.loads(request.content), "auth": self._token})
        self._look_at((yield request))

    def _look_at(self, answer: httpx.Response) -> None:
        """Tell a token that died meanwhile: Zabbix refuses it with status 200. Raises NetFailure."""
        said = _json(answer)
        if "result" in said:
            self._kept[_ACCEPTED] = True
        error = said.get("error")
        text = str(error.get("data", "")) if isinstance(error, dict) else ""
        if _ACCEPTED in self._kept and re.search("not authori|token expired", text, re.IGNORECASE):
            raise NetFailure(
                FailureKind.REJECTED,
                "Zabbix accepted this token at first and refused it later in the test.",
                "It may have been disabled meanwhile: test again.",
            )


def _with_body(request: httpx.Request, body: Mapping[str, object]) -> httpx.Request:
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    return httpx.Request(request.method, request.url, headers=headers, json=body, extensions=request.extensions)


def _version(answer: httpx.Response) -> tuple[int, int]:
    """Major and minor number; the newest way is taken where there is none to read."""
    numbers = re.match(r"(\d{1,4})\.(\d{1,4})", str(_json(answer).get("result")))
    return (int(numbers[1]), int(numbers[2])) if numbers else _BEARER_SINCE


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
