"""Railway in miniature: three kinds of token, one GraphQL address, and faults that come with status 200."""

import json
import os
from pathlib import Path
from typing import Any, ClassVar

from providers.contract import HttpWorld
from support.vendor import Answer, MiniatureVendor, Request

ACCOUNT, TEAM, PROJECT = (f"{digit * 8}-aaaa-bbbb-cccc-dddddddddddd" for digit in "123")
PROJECT_ID = "11111111-2222-3333-4444-555555555555"


def faulty(message: str) -> Answer:
    return Answer(json={"errors": [{"message": message}], "data": None})


class Railway(HttpWorld):
    hosts = ("backboard.railway.com",)
    credentials: ClassVar = {
        "account-token": {"apiToken": ACCOUNT},
        "team-token": {"apiToken": TEAM},
        "project-token": {"apiToken": PROJECT},
    }
    uses: ClassVar = {
        "secret-sync/variables": {"project": PROJECT_ID, "environment": "production", "restricted": "yes"}
    }
    offers: ClassVar = {
        "projects": ({}, ["22222222-2222-3333-4444-555555555555", PROJECT_ID]),  # by name
        "services": ({"project": PROJECT_ID}, ["web"]),
        "environments": ({"project": PROJECT_ID}, ["production", "vault"]),  # those out of reach last
    }

    def declare(self, vendor: MiniatureVendor) -> None:
        self.role = "ADMIN"
        self.workspaces = [{"id": "ws-1", "name": "Acme"}]
        self.scoped_environment = "production"
        self.second_factor = self.revoked = False
        self.disallowed: str | None = None
        self.queries: list[str] = []
        vendor.post("/graphql/v2")(self.answer)

    def answer(self, request: Request) -> Any:
        asked = request.json()
        query, variables = asked["query"], asked.get("variables", {})
        self.queries.append(query)
        scoped = request.headers.get("project-access-token")
        bearer = request.bearer
        if self.revoked:
            return faulty("Not Authorized" if scoped is None else "Project Token not found")
        if self.second_factor:
            return faulty("Two Factor Authentication Required")
        field = query.partition("{")[2].split("(")[0].split("{")[0].strip()
        if scoped is not None and (
            scoped != PROJECT or field not in {"projectToken", "project", "projectResourceAccess"}
        ):
            return faulty("Project Token not found")
        if scoped is None and bearer not in {ACCOUNT, TEAM}:
            return faulty("Not Authorized")
        if field in {"me", "apiTokens", "workspace"} and bearer != ACCOUNT:
            return faulty("Not Authorized")
        return {"data": {field: self._field(field, variables, bearer)}}

    def _field(self, field: str, variables: dict[str, Any], bearer: str) -> Any:
        match field:
            case "me":
                return {"id": "u-1", "name": "Ada", "email": "ada@example.com"}
            case "apiToken":
                return {"workspaces": self.workspaces}
            case "projectToken":
                environment = {"id": "e-1", "name": self.scoped_environment}
                return {"name": "kms", "project": {"id": PROJECT_ID, "name": "web"}, "environment": environment}
            case "apiTokens":
                node = {"displayToken": "****" + ACCOUNT[-4:], "expiresAt": "2027-05-05T00:00:00Z"}
                return {"edges": [{"node": node}]}
            case "projectResourceAccess":
                return {"environment": {"disallowed": None}, "deployment": {"disallowed": self.disallowed}}
            case "projects":
                return self._projects(variables.get("after"))
            case "workspace":
                assert variables == {"id": "ws-1"}
                members = [
                    {"email": "bob@example.com", "role": "ADMIN"},
                    {"email": "ada@example.com", "role": self.role},
                ]
                return {"name": "Acme", "redactedDueTo2FAPending": False, "members": members}
            case _:
                assert variables == {"id": PROJECT_ID}
                names = {"production": True, "vault": False}
                edges = [{"node": {"id": name, "name": name, "canAccess": can}} for name, can in names.items()]
                return {
                    "id": PROJECT_ID,
                    "name": "web",
                    "workspaceId": "ws-1",
                    "environments": {"edges": edges},
                    "services": {"edges": [{"node": {"id": "s-1", "name": "web"}}]},
                }

    def _projects(self, after: str | None) -> Any:
        """Two pages of one project each."""
        named = [(PROJECT_ID, "web"), ("22222222-2222-3333-4444-555555555555", "billing")]
        project_id, name = named[0 if after is None else int(after)]
        page = {"hasNextPage": after is None, "endCursor": "1"}
        return {"edges": [{"node": {"id": project_id, "name": name}}], "pageInfo": page}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {"apiToken": "99999999-aaaa-bbbb-cccc-dddddddddddd"}

    def remove(self, method: str, use: str, permission: str) -> None:
        match permission:
            case "workspace role Admin or Member":
                self.role = "VIEWER"
            case "workspace Admin":
                self.role = "MEMBER"
            case "token of the owning workspace":
                self.workspaces = [{"id": "ws-2", "name": "Other"}]
            case _:
                self.scoped_environment = "staging"

    def wider(self, method: str, use: str, permission: str) -> set[str]:
        return {"workspace Admin"} if permission == "workspace role Admin or Member" else set()

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        own = {
            "account-token": {"workspace role Admin or Member", "workspace Admin"},
            "team-token": {"token of the owning workspace"},
            "project-token": {"token of that environment"},
        }
        return permission not in own[method]

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        match failure:
            case "second-factor":
                self.second_factor = True
                return None
            case "other-kind":
                return {"apiToken": TEAM}
            case _:
                return self.wrong_fields(method)

    def revoke(self, method: str) -> None:
        self.revoked = True

    def methods_for_failure(self, failure: str) -> list[str]:
        return ["account-token"] if failure == "other-kind" else list(self.credentials)


def schema() -> dict[str, Any] | None:
    """The vendor's own GraphQL schema, where JACKFIELD_API_DESCRIPTIONS holds it."""
    folder = os.environ.get("JACKFIELD_API_DESCRIPTIONS")
    file = Path(folder) / "railway.graphql.json" if folder else None
    return json.loads(file.read_text()) if file is not None and file.is_file() else None
