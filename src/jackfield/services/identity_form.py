"""The guided form of a source identity: the fields of one kind of it, and no uses."""

from collections.abc import Iterator
from dataclasses import dataclass

from jackfield.providers.contract.registry import Registry
from jackfield.providers.contract.spec import Method, Provider, SourceIdentity, Use
from jackfield.services.form import Form
from jackfield.services.identities import Identity
from jackfield.services.session import Session
from jackfield.services.trial import Trial


@dataclass
class IdentityForm(Form):
    """`method_id` is the kind. `replaces` is the identity that gets other fields, typed whole."""

    replaces: Identity | None = None

    @classmethod
    def of_kind(cls, provider: Provider, kind: str, *, replaces: Identity | None = None) -> "IdentityForm":
        """An empty form. Raises KeyError when the provider has no such kind."""
        form = cls(provider, provider.source_identity(kind).id, replaces=replaces)
        form.name = replaces.name if replaces else ""
        form.fill_defaults()
        return form

    @property
    def method(self) -> SourceIdentity:
        return self.provider.source_identity(self.method_id)

    @property
    def methods(self) -> tuple[Method, ...]:
        """The kind was chosen before the form."""
        return (self.method,)

    def possible_uses(self) -> tuple[Use, ...]:
        """It is used by connections alone."""
        return ()

    def can_start_from_identity(self) -> bool:
        """It is what others start from."""
        return False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of source identity that a provider has."""

    provider: Provider
    kind: SourceIdentity


def kinds_of(registry: Registry) -> Iterator[Kind]:
    """Every kind of every provider, by the provider's name. Reads all provider files: call it from a thread."""
    for summary in sorted(registry.summaries(), key=lambda one: one.name.casefold()):
        provider = registry.get(summary.slug)
        for kind in provider.source_identities:
            yield Kind(provider, kind)


def save_identity(session: Session, form: IdentityForm, trial: Trial | None) -> Identity:
    """Create or replace it, and note what its test found if that still speaks of what is saved.

    Raises InvalidField, and what creating and replacing raise.
    """
    for problem in form.problems():
        raise problem
    if form.replaces is None:
        saved = session.identities.create(form.name, form.provider.slug, form.method_id, form.values())
    else:
        saved = session.identities.replace(form.replaces, form.values())
    if trial is not None and trial.speaks_of(form):
        session.identities.note_test(saved, trial.result)
    return saved
