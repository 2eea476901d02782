"""Filters kept under a name."""

from datetime import UTC, datetime

from jackfield.model.errors import NotFound, UsageError
from jackfield.model.names import require_slug
from jackfield.store import settings
from jackfield.store.filter import Filter, parse
from jackfield.store.settings import SavedFilter
from jackfield.store.store import Store

__all__ = ["SavedFilter", "SavedFilters"]


class SavedFilters:
    """What is saved is the text of a filter, so that `expires:<30d` keeps counting from the day it is used."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> tuple[SavedFilter, ...]:
        """Every one, by name."""
        with self._store.read() as tx:
            return settings.saved_filters(tx)

    def get(self, name: str) -> SavedFilter:
        """Raises NotFound."""
        for one in self.all():
            if one.name == name:
                return one
        raise NotFound(f"No filter is saved as {name[:60]}.", "List them with: jackfield connection filters")

    def save(self, name: str, text: str) -> SavedFilter:
        """Keep a filter, in the place of the one with that name. Raises InvalidField, or UsageError for no filter."""
        saved = SavedFilter(require_slug(name), text.strip())
        if parse(saved.text, now=datetime.now(UTC)) == Filter():
            raise UsageError("There is no filter to be saved.", "Type one first, such as state:failed.")
        with self._store.write() as tx:
            settings.save_filter(tx, saved.name, saved.text)
        return saved

    def drop(self, name: str) -> None:
        """Forget one. Raises NotFound."""
        self.get(name)
        with self._store.write() as tx:
            settings.drop_filter(tx, name)
