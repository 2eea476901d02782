"""How results and connections are told: as JSON, whose shape others rely on, and as lines."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jackfield.cli.output import instant, pairs, table, until
from jackfield.model.check import CheckResult, GrantState, removed_words
from jackfield.model.connection import Connection

if TYPE_CHECKING:
    from jackfield.services.session import Session


def place_of(session: "Session", connection: "Connection") -> str:
    """The connection's name with its organization and project, as commands take it."""
    parts = [session.organizations.get(connection.scope.organization_id).name]
    if connection.scope.project_id is not None:
        parts.append(session.projects.get(connection.scope.project_id).name)
    return "/".join((*parts, connection.name))


def result_value(name: str, result: CheckResult) -> dict[str, Any]:
    """A result as JSON. Others rely on its shape."""
    failure = result.failure
    return {
        "connection": name,
        "outcome": result.outcome.value,
        "failure": failure and {"kind": failure.kind.value, "message": failure.message, "next_step": failure.next_step},
        "identity": result.identity,
        "steps": [
            {"name": step.name.value, "outcome": step.outcome.value, "ms": round(step.ms, 1)} for step in result.steps
        ],
        "grants": [
            {
                "use": grant.use,
                "permission": grant.permission,
                "state": grant.state.value,
                "evidence": grant.evidence.value if grant.evidence else None,
                "detail": grant.detail,
            }
            for grant in result.grants
        ],
        "expires_at": instant(result.expires_at),
        "duration_ms": result.duration_ms,
    }


def result_lines(name: str, result: CheckResult) -> Iterator[str]:
    """A result for a person: the outcome, why, who, and the checklist."""
    yield f"{name}  {result.outcome.value}  {result.duration_ms:.0f} ms"
    if result.failure is not None:
        yield f"  {result.failure.kind.value}: {result.failure.message}"
        yield f"  {result.failure.next_step}"
    unproven = next((step.detail for step in result.steps if step.outcome.value == "unproven"), "")
    if unproven:
        yield f"  {unproven}"
    expires = f"{instant(result.expires_at)} ({until(result.expires_at)})" if result.expires_at else ""
    yield from (f"  {line}" for line in pairs([*result.identity.items(), ("expires", expires)]))
    yield from (f"  warning: {warning}" for warning in result.warnings)
    if result.removed:
        yield f"  {removed_words(result.removed)}"
    yield from (f"  {line}" for line in grant_lines(result))


def grant_lines(result: CheckResult) -> list[str]:
    """The checklist: needed permissions by use, then what is held in excess."""
    ordered = sorted(result.grants, key=lambda grant: grant.state is GrantState.EXCESS)
    rows = [
        (grant.state.value, grant.permission, grant.use or "no use", str(grant.evidence or "-"), grant.detail)
        for grant in ordered
    ]
    return table(("STATE", "PERMISSION", "USE", "KNOWN BY", ""), rows)


def connection_value(session: "Session", connection: Connection) -> dict[str, Any]:
    """Everything about a connection but its credential, as JSON."""
    project_id = connection.scope.project_id
    identity = session.identities.of_connection(connection.id)
    return {
        "id": connection.id,
        "name": connection.name,
        "organization": session.organizations.get(connection.scope.organization_id).name,
        "project": None if project_id is None else session.projects.get(project_id).name,
        "provider": connection.provider,
        "method": connection.method,
        "source_identity": None if identity is None else identity.name,
        "description": connection.description,
        "tags": list(connection.tags),
        "uses": [{"use": use.use, "targets": use.targets} for use in connection.uses],
        "state": connection.state.value,
        "failure": connection.failure_kind.value if connection.failure_kind else None,
        "unverified": connection.unverified,
        "tested_at": instant(connection.tested_at),
        "test_every_minutes": connection.test_every_minutes,
        "automatic_tests_stopped": connection.automatic_tests_stopped or None,
        "expires_at": instant(connection.expires_at),
        "expiry_known": connection.expiry_known.value,
        "platform_managed": connection.platform_managed,
        "private_address_allowed": connection.private_address_allowed,
        "tls_unverified": connection.tls_unverified,
        "attempts_allowed": connection.attempts_allowed,
        "created_at": instant(connection.created_at),
        "updated_at": instant(connection.updated_at),
    }
