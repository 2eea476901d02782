"""What a source's reader gives, and the connection that could become of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from jackfield.model.errors import InvalidField, NotFound
from jackfield.model.names import DESCRIPTION_LIMIT, suggest_slug
from jackfield.model.secret import FieldValue
from jackfield.providers.contract.fields import told_of_address
from jackfield.providers.contract.kinds import FieldKind
from jackfield.providers.contract.paste import from_names
from jackfield.providers.contract.provider_file import ProviderFileError
from jackfield.providers.contract.registry import Registry
from jackfield.providers.contract.spec import Method, Provider
from jackfield.services.form import Form
from jackfield.store.connections import Definition
from jackfield.text import clean, cleaned

TAG: Final = "imported"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a source holds, in the words of the tool that wrote it; nothing of it is checked yet.

    `texts` goes by the variables or fields of the method. `why_not` says why no connection can come of it.
    """

    origin: str  # where: a profile, a line, a variable
    name: str  # what it could be called: any text
    provider: str = ""
    method: str = ""
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The connection that could become of a finding. It can be made when `why_not` is empty.

    `definition` is None where no provider is known. `unclear` says why it is not chosen before the user does.
    """

    source: str
    origin: str
    name: str
    definition: Definition | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    why_not: str = ""
    unclear: str = ""
    expires_at: datetime | None = None


def candidate_of(registry: Registry, source: str, finding: Finding) -> Candidate:
    """Check a finding as the form does with what is pasted into it. Never raises for any text."""
    origin = cleaned(finding.origin, limit=DESCRIPTION_LIMIT, lines=False)
    name = suggest_slug(finding.name) or suggest_slug(finding.provider) or "imported"
    notes = tuple(cleaned(note, lines=False) for note in finding.notes)
    why_not = cleaned(finding.why_not, lines=False)
    found = provider_and_method(registry, finding.provider, finding.method)
    if isinstance(found, str):
        return Candidate(source, origin, name, notes=notes, why_not=why_not or found)
    provider, method = found
    form = Form(provider, method.id, name=name, every_minutes=None, tags=(TAG,))
    form.description = f"Imported from {origin}"[:DESCRIPTION_LIMIT]
    form.fill_defaults()
    changes, problems = _fill(form, finding.texts)
    why_not = why_not or " ".join(problems)
    fields = {} if why_not else form.values()
    said_once = dict.fromkeys((*notes, *changes, *told_of_hosts(method, fields)))
    return Candidate(source, origin, name, form.definition(), fields, tuple(said_once), why_not)


def told_of_hosts(method: Method, fields: Mapping[str, FieldValue]) -> Iterator[str]:
    """What has to be told of hosts that read otherwise than they are looked up."""
    for one in method.fields:
        value = fields.get(one.name)
        if one.kind in {FieldKind.HOST, FieldKind.URL} and isinstance(value, str) and (told := told_of_address(value)):
            yield f"{one.label}: {value}, which {told}"


def provider_and_method(registry: Registry, slug: str, method_id: str) -> tuple[Provider, Method] | str:
    """The two, or why there are none."""
    try:
        provider = registry.get(slug)
        return provider, provider.method(method_id)
    except (NotFound, ProviderFileError):
        return "No provider is known for it." if not slug else f"There is no provider {cleaned(slug, limit=60)} here."
    except KeyError:
        return f"The provider {slug} has no method {cleaned(method_id, limit=60)} here."


def _fill(form: Form, texts: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Type what was found into the form: what was changed, and what keeps it from being saved."""
    known = {one.name: one for one in form.method.fields}
    changes: list[str] = []
    for name, text in from_names(form.method, texts).items():
        one = known[name]
        if not is_text(text):
            return [], [f"{one.label} is not text."]
        plain = clean(text, limit=one.max_length + 1)
        if plain.removed and not one.is_secret:
            changes.append(f"{one.label}: invisible characters removed")
        typed = form.type(name, text if one.is_secret else plain.text)
        changes += [f"{one.label}: {change}" for change in typed.changes]
    return changes, list(said(form.problems()))


def is_text(text: str) -> bool:
    """Whether it can be stored: bytes that no encoding explains stay in a text as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def said(problems: Iterable[InvalidField]) -> Iterable[str]:
    """What is wrong, each once, without the next steps of a form."""
    return dict.fromkeys(problem.message for problem in problems)
