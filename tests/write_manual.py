"""Writes the generated pages of the manual anew: `python tests/write_manual.py`. A test holds them against this."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from asks import ASKS, Ask
from jackfield.providers.contract.registry import Registry
from jackfield.providers.contract.spec import Permission, Provider
from jackfield.tui.keys import ACTIONS, Place, key_shown
from man_page import man_page
from threats import THREATS, Built, Threat
from twins import TWINS

MANUAL = Path(__file__).resolve().parents[1] / "src" / "jackfield" / "manual"
PROOFS = {
    "real-server": "the real server",
    "emulator": "an emulator",
    "description": "the vendor's API description",
    "miniature": "a miniature vendor",
}
UNMANAGED = (
    "Not the others:",
    "",
    "- GitLab, Cloudflare and Zabbix end the old token in the call that answers with the new one. Where that answer is",
    "  lost, both are lost: there is no order that survives it.",
    "- Octopus API keys, tokens of Humanitec, secrets of Databricks service principals, and client secrets of Azure",
    "  Client Secrets and Azure DNS: a second one can stand beside the first, but their forms hold no id of the",
    "  stored one, and the vendor's list shows its first characters at best. Which to end could only be guessed.",
    "- Tokens of Windmill and keys of Chef are found again by their beginning or their public half, so a second one",
    "  could stand beside the first. Which right that takes at Chef is not documented. That is not built.",
    "- Vercel and Railway: only a token of the whole account makes tokens, which nobody should keep for this.",
    "- Heroku gives an authorization a new token in place of the old in one call, with the fault of GitLab's.",
    "- Windows passwords could be replaced in the way of databases. That is not built.",
    "- An SSH password or key is changed in a dialogue that differs from host to host.",
    "- The rest have no call that makes another credential of the same kind, or it needs a person in a browser.",
)


def providers_page(registry: Registry) -> str:
    """Every provider with its methods, what it is tested against, and how each permission is verified."""
    providers = [registry.get(slug) for slug in registry.slugs()]
    rows = sum(len(use.permissions) for provider in providers for use in provider.uses)
    lines = [
        "# Providers",
        "",
        f"{len(providers)} providers, {rows} permission rows. A row is green only by the evidence that stands here;",
        "what a vendor does not tell is marked unreadable, with the reason, and never green.",
        "",
        "OAuth logins are tested against a real OpenID provider (oidc-provider); what they open, as it stands here.",
        "",
        "| provider | slug | method | tested against | rows |",
        "|---|---|---|---|---|",
    ]
    for provider in providers:
        for method in provider.methods:
            count = sum(len(use.permissions) for use in provider.uses if not use.methods or method.id in use.methods)
            proof = PROOFS[provider.tested_of(method).kind.value]
            lines.append(f"| {provider.name} | {provider.slug} | {method.id} | {proof} | {count} |")
    lines += ["", *_managed(providers)]
    for provider in providers:
        lines += ["", *_section(provider)]
    return "\n".join(lines) + "\n"


def _managed(providers: Sequence[Provider]) -> Iterator[str]:
    """Whose secrets Jackfield can replace and keep, and why not those of the others."""
    yield from ("## Secrets that Jackfield can manage", "")
    yield "The new secret is sealed before the vendor is asked, or at once where the vendor makes it; then proven, and"
    yield "only then kept."
    yield from ("", "| provider | how | it needs |", "|---|---|---|")
    for provider in providers:
        managed = provider.platform_managed
        if managed is not None:
            how = "a second one beside the old, which is ended" if managed.issued else "a new value in place of the old"
            yield f"| {provider.name} | {how} | {_cell(managed.needs)} |"
    yield from ("", *UNMANAGED)


def _section(provider: Provider) -> Iterator[str]:
    yield f"## {provider.name}"
    yield ""
    yield f"Tested against {provider.tested.against}."
    for method in provider.methods:
        if method.tested is not None:
            yield f"The method {method.id}: {method.tested.against}."
    for use in provider.uses:
        yield ""
        yield f"### {use.title} (`{use.id}`)"
        yield ""
        yield "| permission | why | when | verified by |"
        yield "|---|---|---|---|"
        for permission in use.permissions:
            cells = (permission.name.text, permission.why, permission.when, verified_by(permission))
            yield "| " + " | ".join(map(_cell, cells)) + " |"
    if provider.unsure:
        yield ""
        yield "Not confirmed, and so never green:"
        yield ""
        yield from (f"- {doubt}" for doubt in provider.unsure)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def verified_by(permission: Permission) -> str:
    """How a row's verdict is known, with why it may stay unread."""
    reasons = [caveat.why for caveat in permission.unreadable]
    return permission.verified + (f" — unreadable: {' '.join(reasons)}" if reasons else "")


def threats_page(threats: Sequence[Threat]) -> str:
    """Every threat with its control, the tests of it, and what is missing."""
    counts = [f"{sum(threat.built is built for threat in threats)} {built.words}" for built in Built]
    lines = [
        "# Threats",
        "",
        "What could go wrong, what stands against it, which tests show that, and what is missing. Tests are named as",
        "pytest names them, below `tests/`. What all this comes to is in [security](security.md).",
        "",
        f"{len(threats)} threats: {', '.join(counts)}.",
        "",
        "| | threat | control |",
        "|---|---|---|",
    ]
    lines += [f"| {threat.id} | {threat.threat} | {threat.built.words} |" for threat in threats]
    for threat in threats:
        lines += ["", f"## {threat.id} {threat.threat}", "", threat.control]
        if threat.parameters:
            lines += ["", f"Parameters: {threat.parameters}."]
        lines += _shown_by(threat)
    return "\n".join(lines) + "\n"


def _shown_by(row: Threat | Ask) -> Iterator[str]:
    """How far it is built, what is missing, and the tests of it."""
    yield from ("", f"**{row.built.words.capitalize()}.** {row.limits}".rstrip(), "")
    yield from [f"- `{test}`" for test in row.tests] or ["No test shows it."]


def asks_page(asks: Sequence[Ask]) -> str:
    """Every ask with how it is met, and the tests that show it."""
    lines = [
        "# What users ask for",
        "",
        "What people ask of programs that keep credentials, and of programs for the terminal; how it is met here, and",
        "which tests show that. Tests are named as pytest names them, below `tests/`.",
        "",
        "| | ask | |",
        "|---|---|---|",
    ]
    lines += [f"| {ask.id} | {ask.ask} | {ask.built.words} |" for ask in asks]
    for ask in asks:
        lines += ["", f"## {ask.id} {ask.ask}", "", ask.met, *_shown_by(ask)]
    return "\n".join(lines) + "\n"


def keys_page() -> str:
    """Every action with its keys, and the command that does the same."""
    lines = [
        "# Keys and commands",
        "",
        "What can be done in the full-screen interface, by which key, and which command does the same in plain lines.",
        "`keys.yaml` in the home folder replaces keys by action id. Moving about in a screen has no command.",
    ]
    for place in Place:
        lines += ["", f"## {place.value}", "", "| action | id | keys | command |", "|---|---|---|---|"]
        for action in ACTIONS:
            if action.place is place:
                keys = ", ".join(f"`{key_shown(key)}`" for key in action.keys)
                twin = TWINS[action.id].told("`") if action.id in TWINS else ""
                lines.append(f"| {action.title} | `{action.id}` | {keys} | {twin} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    MANUAL.joinpath("keys.md").write_text(keys_page(), "utf-8")
    MANUAL.joinpath("jackfield.1").write_text(man_page(), "utf-8")
    MANUAL.joinpath("asks.md").write_text(asks_page(ASKS), "utf-8")
    MANUAL.joinpath("threats.md").write_text(threats_page(THREATS), "utf-8")
    MANUAL.joinpath("providers.md").write_text(providers_page(Registry()), "utf-8")
