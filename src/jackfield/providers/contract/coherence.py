"""Whether every name in a provider's rules means something: a field, a fact or a built-in name."""

import re
from collections.abc import Iterator

from jackfield.providers.contract.expression import BUILT_IN_NAMES, Expression, Template
from jackfield.providers.contract.fact import Auth, Fact, templates_in
from jackfield.providers.contract.guide import GUIDE_NAMES
from jackfield.providers.contract.spec import Proof, Provider, Use

_FOREIGN_HOST = re.compile(r"://[^/\s]*[^\x00-\x7f]")  # letters that are looked up under another name


def find_incoherence(provider: Provider) -> str:
    """The first thing that cannot work, in words; empty when all is well. Raises RuleError for what is not CEL."""
    fields = {field.name for method in provider.tested_methods for field in method.fields}
    known = fields | set(provider.facts) | BUILT_IN_NAMES
    secrets = {field.name for method in provider.tested_methods for field in method.fields if field.is_secret}
    for place, step in _guides(provider):
        if unknown := step.reads & secrets:
            return f"{place}: {', '.join(sorted(unknown))} is secret"
        if unknown := step.reads - fields - GUIDE_NAMES:
            return f"{place}: {', '.join(sorted(unknown))} is no field, and not known before a test"
    for place, rule in rules_of(provider):
        if _FOREIGN_HOST.search(f"://{rule.text}" if place == "endpoint" else rule.text):
            return f"{place}: {rule.text} has a host that is not written in ASCII, as it is looked up"
        if place.startswith("facts.") and isinstance(rule, Template) and re.search(r"\{['\"(]", rule.text):
            return f"{place}: a part in braces begins with a name or a function; {rule.text} would be sent as it stands"
        unknown = rule.reads - known - _extra_names(place)
        if unknown:
            return f"{place}: {', '.join(sorted(unknown))} is no field, fact or built-in name"
    return _dangling(provider)


def _guides(provider: Provider) -> Iterator[tuple[str, Template]]:
    yield from (("guide", step) for step in provider.guide)
    for method in provider.tested_methods:
        yield from ((f"methods.{method.id}.guide", step) for step in method.guide)


def _dangling(provider: Provider) -> str:  # noqa: PLR0912 - one line per kind of reference
    """Names that refer to other parts of the file."""
    for method in provider.tested_methods:
        if provider.proof_of(method).fact not in provider.facts:
            return f"proof: {provider.proof_of(method).fact} is no fact"
        names = {field.name for field in method.fields}
        if method.oauth and (unknown := set(method.oauth.stores) - names):
            return f"methods.{method.id}.oauth.stores: {', '.join(sorted(unknown))} is no field"
        for variable, field in method.environment.items():
            if isinstance(field, str) and field not in names:
                return f"methods.{method.id}.environment.{variable}: {field} is no field"
    fields_of = {method.id: {field.name for field in method.fields} for method in provider.methods}
    for identity in provider.source_identities:
        own = {field.name for field in identity.fields}
        for method_id, lent in identity.lends.items():
            if unknown := (set(lent) - fields_of.get(method_id, set())) | (set(lent.values()) - own):
                return f"source_identities.{identity.id}.lends.{method_id}: {', '.join(sorted(unknown))} is no field"
    for name, picker in provider.pickers.items():
        if picker.fact not in provider.facts:
            return f"pickers.{name}: {picker.fact} is no fact"
    for use in provider.uses:
        if unknown := set(use.methods) - {method.id for method in provider.methods}:
            return f"uses.{use.id}: {', '.join(sorted(unknown))} is no method"
        for target in use.target.values():
            if target.pick and target.pick not in provider.pickers:
                return f"uses.{use.id}.target: {target.pick} is no picker"
    for pattern in provider.excess.narrower if provider.excess else {}:
        if not pattern:
            return "excess.narrower: an empty name"
    return ""


def _extra_names(place: str) -> frozenset[str]:
    """Names that exist only in one kind of place."""
    if ".pages" in place:
        return frozenset({"body", "headers", "page", "seen"})
    if ".oauth" in place:
        return frozenset({"answer"})
    return frozenset()


def rules_of(provider: Provider) -> Iterator[tuple[str, Expression | Template]]:  # noqa: PLR0912 - one line per part
    base = provider.base_url
    if isinstance(base, tuple):
        for address in base:
            yield from (("base_url", address.when), ("base_url", address.url))
    elif base is not None:
        yield "base_url", base
    for rule in (provider.tls.used, provider.tls.verified, provider.tls.ca):
        if rule is not None:
            yield "tls", rule
    if provider.endpoint:
        yield from (("endpoint", provider.endpoint.host), ("endpoint", provider.endpoint.port))
    for name, text in provider.headers.items():
        yield f"headers.{name}", text
    yield from _method_rules(provider)
    for name, fact in provider.facts.items():
        yield from _fact_rules(f"facts.{name}", fact)
    for caveat in (*provider.unproven, *provider.warnings):
        yield "unproven or warnings", caveat.when
    for label, rule in provider.identity.items():
        yield f"identity.{label}", rule
    for rule in provider.expiry:
        yield "expiry", rule
    for failure in provider.failures:
        yield from ((f"failures.{failure.id}", failure.when), (f"failures.{failure.id}", failure.next))
    if provider.proof:
        yield from _proof_rules("proof", provider.proof)
    for use in provider.uses:
        yield from _use_rules(f"uses.{use.id}", use)
    if provider.excess:
        yield "excess.held", provider.excess.held
        if provider.excess.ignore:
            yield "excess.ignore", provider.excess.ignore
    for name, picker in provider.pickers.items():
        for rule in (picker.items, picker.value, picker.label, picker.hidden.when if picker.hidden else None):
            if rule is not None:
                yield f"pickers.{name}", rule


def _method_rules(provider: Provider) -> Iterator[tuple[str, Expression | Template]]:
    for method in provider.tested_methods:
        place = f"methods.{method.id}"
        if method.auth:
            yield from _auth_rules(place, method.auth)
        if method.proof:
            yield from _proof_rules(f"{place}.proof", method.proof)
        for rule in (*(method.identity or {}).values(), *(method.expiry or ())):
            yield f"{place}.identity or expiry", rule
        for field in method.fields:
            if field.shown:
                yield f"{place}.fields.{field.name}", field.shown
        if method.oauth:
            for rule in method.oauth.stores.values():
                yield f"{place}.oauth", rule
            flows = (method.oauth.device, method.oauth.loopback)
            for text in (value for flow in flows if flow for value in flow.__dict__.values()):
                if isinstance(text, Template):
                    yield f"{place}.oauth", text


def _proof_rules(place: str, proof: Proof) -> Iterator[tuple[str, Expression | Template]]:
    yield place, proof.is_
    if proof.still is not None:
        yield place, proof.still


def _auth_rules(place: str, auth: Auth) -> Iterator[tuple[str, Expression | Template]]:
    if auth.bearer:
        yield f"{place}.auth", auth.bearer
    if auth.basic:
        yield from ((f"{place}.auth", auth.basic.username), (f"{place}.auth", auth.basic.password))
    for text in (auth.headers or {}).values():
        yield f"{place}.auth", text


def _fact_rules(place: str, fact: Fact) -> Iterator[tuple[str, Expression | Template]]:
    if fact.call is None:
        yield place, fact.request[1]
    for text in (*fact.query.values(), *fact.headers.values(), *(fact.form or {}).values()):
        yield place, text
    for value in (fact.json_body, fact.arguments):
        yield from ((place, text) for text in templates_in(value))
    if isinstance(fact.auth, Auth):
        yield from _auth_rules(place, fact.auth)
    if fact.when:
        yield place, fact.when
    if fact.pages:
        more = (rule for part in (fact.pages.query, fact.pages.headers, fact.pages.variables) for rule in part.values())
        for rule in (fact.pages.items, fact.pages.next, *more):
            if rule is not None:
                yield f"{place}.pages", rule


def _use_rules(place: str, use: Use) -> Iterator[tuple[str, Expression | Template]]:
    for permission in use.permissions:
        spot = f"{place}.permissions.{permission.name.text}"
        yield spot, permission.name
        single = (permission.applies, permission.covers, permission.grant)
        for rule in (*permission.granted, *permission.implied, *(c.when for c in permission.unreadable), *single):
            if rule is not None:
                yield spot, rule
    for reach in use.reach:
        yield from ((f"{place}.reach", reach.name), (f"{place}.reach", reach.is_), (f"{place}.reach", reach.next))
    for snippet in use.snippet:
        yield f"{place}.snippet", snippet.text
        if snippet.when:
            yield f"{place}.snippet", snippet.when
