"""A check's detail as it is sealed: what identifies the account at the vendor, and how each step went."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from jackfield.model.check import CheckResult, Exchange, Step, StepName, StepOutcome
from jackfield.model.errors import BlobTampered


def detail_to_bytes(result: CheckResult) -> bytes:
    """Identity, steps, exchanges, warnings, certificate and address of a result, as JSON."""
    ends = result.certificate_ends
    detail = {
        "identity": result.identity,
        "steps": [asdict(step) for step in result.steps],
        "exchanges": [asdict(exchange) for exchange in result.exchanges],
        "warnings": result.warnings,
        "certificate": {"issuer": result.certificate_issuer, "ends": ends.isoformat() if ends else None},
        "reached": result.reached,
        "removed": result.removed,
    }
    return json.dumps(detail, ensure_ascii=False, separators=(",", ":")).encode()


def detail_from_bytes(data: bytes) -> dict[str, Any]:
    """Keyword arguments of CheckResult. Raises BlobTampered when the text is not of that form."""
    try:
        detail = json.loads(data)
        certificate = detail["certificate"]
        return {
            "identity": dict(detail["identity"]),
            "steps": tuple(
                Step(StepName(s["name"]), StepOutcome(s["outcome"]), s["ms"], s["detail"]) for s in detail["steps"]
            ),
            "exchanges": tuple(Exchange(**exchange) for exchange in detail["exchanges"]),
            "warnings": tuple(detail["warnings"]),
            "certificate_issuer": certificate["issuer"],
            "certificate_ends": datetime.fromisoformat(certificate["ends"]) if certificate["ends"] else None,
            "reached": detail["reached"],
            "removed": int(detail.get("removed", 0)),
        }
    except (ValueError, KeyError, TypeError) as error:
        raise BlobTampered("This record of a test is not of the form it was written in.", "Test again.") from error
