"""Profiles of the AWS tools: `credentials` and `config`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from jackfield.services.importing.documents import read_ini
from jackfield.services.importing.finding import Finding
from jackfield.services.importing.machine import RECORD_LIMIT, Machine, too_many

Profile = Mapping[str, str]

_ELSEWHERE: Final = {
    "credential_process": "Its key comes from a program, and none is run here.",
    "credential_source": "Its key comes from the machine that it runs on.",
    "sso_session": "It is a login of IAM Identity Center, which gives no lasting key.",
    "sso_start_url": "It is a login of IAM Identity Center, which gives no lasting key.",
    "login_session": "It is a login in the browser, which gives no lasting key.",
    "web_identity_token_file": "Its key comes from a web identity, and does not last.",
}
"""Setting of a profile → why there is no lasting key in it."""


def places(machine: Machine) -> tuple[Path, ...]:
    folder = machine.home / ".aws"
    return (
        machine.file("AWS_SHARED_CREDENTIALS_FILE", folder / "credentials"),
        machine.file("AWS_CONFIG_FILE", folder / "config"),
    )


def read(texts: Sequence[str]) -> Iterator[Finding]:
    """One finding for each profile that says something about a key or a role."""
    profiles: dict[str, dict[str, str]] = {}
    for text in reversed(texts):  # what the credentials file says wins
        for section, values in read_ini(text, nested=True).items():
            kind, _, name = section.partition(" ")
            if kind not in {"sso-session", "services"}:
                profiles.setdefault(name.strip("\"' ") if kind == "profile" and name else section, {}).update(values)
    if len(profiles) > RECORD_LIMIT:
        raise too_many("profiles")
    for name, profile in profiles.items():
        finding = _role(name, profile, profiles) if profile.get("role_arn") else _key(name, profile)
        if finding is not None:
            yield finding


def _key(name: str, profile: Profile) -> Finding | None:
    """The profile's own key, None when it is about something else, such as a region."""
    texts = _pair(profile)
    if texts and profile.get("aws_session_token"):
        why_not = "Its key is temporary: it ends soon, and is useless without its session token."
    else:
        why_not = "" if texts else _elsewhere(profile)
    return (
        Finding(_origin(name), _called(name), "aws", "access-key", texts, why_not=why_not) if texts or why_not else None
    )


def _role(name: str, profile: Profile, profiles: Mapping[str, Profile]) -> Finding:
    """The role, with the key of the profile that takes it on."""
    source_name = profile.get("source_profile", "")
    source = profiles.get(source_name, {})
    why_not = ""
    if not source_name:
        why_not = _elsewhere(profile) or "It does not say which profile takes the role on."
    elif not source:
        why_not = f"There is no profile {source_name}, which it takes its key from."
    elif source.get("role_arn") and source_name != name:
        why_not = f"It is reached through another role, that of {source_name}."
    elif not _pair(source):
        why_not = f"The profile {source_name}, which it takes its key from, holds none."
    elif source.get("aws_session_token"):
        why_not = f"The key of {source_name} is temporary, and useless without its session token."
    elif profile.get("mfa_serial"):
        why_not = "The role asks for a code of a second factor each time."
    texts = {"AWS_ROLE_ARN": profile["role_arn"], **_pair(source)}
    notes = ("the external ID of the profile is not taken over",) if profile.get("external_id") else ()
    return Finding(_origin(name), _called(name), "aws", "assume-role", texts, notes, why_not)


def _pair(profile: Profile) -> dict[str, str]:
    names = ("aws_access_key_id", "aws_secret_access_key")
    return {name.upper(): profile[name] for name in names if profile.get(name)}


def _elsewhere(profile: Profile) -> str:
    """Why there is no lasting key in it; empty when it does not say where its key comes from."""
    return next((why for setting, why in _ELSEWHERE.items() if profile.get(setting)), "")


def _origin(name: str) -> str:
    return f"AWS profile {name}"


def _called(name: str) -> str:
    return f"aws {name}"
