"""Which of the packages that offer providers are trusted: by name, and by the digest over their files."""

from jackfield.model.errors import Conflict, NotFound, Refused, RowReplaced
from jackfield.providers.contract.packages import Offer, Standing
from jackfield.providers.contract.registry import Registry
from jackfield.services.audit import Audit
from jackfield.store import settings
from jackfield.store.store import Store
from jackfield.store.transaction import Reading, Writing

__all__ = ["Offer", "Packages", "Standing"]

_KEY = "trusted_providers"


class Packages:
    """Kept in the store: without the vault's key nobody lets code run. Other processes see it at their next unlock."""

    def __init__(self, store: Store, audit: Audit, registry: Registry) -> None:
        """What is trusted takes its place in the registry."""
        self._store = store
        self._audit = audit
        self._registry = registry
        registry.trust(self.trusted())

    def offers(self) -> tuple[Offer, ...]:
        """Everything that is offered, by name, as it was when it was last looked at."""
        return self._registry.offers

    def standing(self, offer: Offer) -> Standing:
        return self._registry.standing(offer)

    def trusted(self) -> dict[str, str]:
        """The digests that are trusted, by name; that of a package which is gone stays until it is taken back.

        None is where what is stored is not what the trail says.
        """
        with self._store.read() as tx:
            return self._kept(tx)

    def offered(self, name: str) -> Offer:
        """The offer of that name as it is now, which could be trusted. Raises NotFound or Refused."""
        self._registry.trust(self.trusted())
        offer = next((one for one in self._registry.offers if one.name == name), None)
        if offer is None:
            raise NotFound("No installed package offers a provider of that name.", "See: jackfield provider packages")
        if reason := self._registry.why_not(offer):
            raise Refused(f"The provider {name} cannot be used: {reason}.", "Install another version of its package.")
        return offer

    def trust(self, name: str, digest: str) -> Offer:
        """Use the provider of that name from now on, as long as its files have this digest.

        Raises NotFound, Refused, or Conflict when they have another.
        """
        offer = self.offered(name)
        if offer.digest != digest:
            raise Conflict(
                f"The files of {name} do not have that digest: now it is {offer.digest}.",
                "Look at what changed, then begin again.",
            )
        with self._store.write() as tx:
            self._keep(tx, self._kept(tx) | {name: digest})
            reason = f"{offer.distribution} {digest[:16]}"
            self._audit.append(tx, "provider.trust", object_id=name, name=name, reason=reason)
        self._registry.trust(self.trusted())
        return offer

    def distrust(self, name: str) -> None:
        """Use it no more. What runs already in this or another process is not called back. Raises NotFound."""
        with self._store.write() as tx:
            kept = self._kept(tx)
            if kept.pop(name, None) is None:
                raise NotFound("No provider of that name is trusted.", "See: jackfield provider packages")
            self._keep(tx, kept)
            self._audit.append(tx, "provider.distrust", object_id=name, name=name)
        self._registry.trust(self.trusted())

    def _keep(self, tx: Writing, digests: dict[str, str]) -> None:
        settings.put(tx, _KEY, digests or None)

    def _kept(self, tx: Reading) -> dict[str, str]:
        try:
            self._audit.require_left(tx, f"setting/{_KEY}")
        except RowReplaced:
            return {}
        kept = settings.get(tx, _KEY)
        return {name: str(digest) for name, digest in kept.items()} if isinstance(kept, dict) else {}
