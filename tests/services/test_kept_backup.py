"""The backup in tests/fixtures was made earlier; whatever changed since, it is restored and holds the same."""

import json
from pathlib import Path

import pytest

from jackfield.model.secret import Secret
from jackfield.services.home import Home
from jackfield.services.restore import restore
from jackfield.services.session import Session
from jackfield.vault.sources import KeySource, PassphraseSource, RecoverySource
from jackfield.vault.vault import Vault
from write_backup import BACKUP, CONTENTS, contents

from .conftest import CHEAP

KEPT = json.loads(CONTENTS.read_text("utf-8"))


@pytest.mark.parametrize("kind", ["passphrase", "recovery_key"])
def test_a_backup_of_this_version_is_restored_with_every_plaintext(tmp_path: Path, kind: str) -> None:
    """Compared by digests: nothing is lost, and nothing is read in another way than it was written."""
    secret = Secret(KEPT[kind])
    source: KeySource = PassphraseSource(secret) if kind == "passphrase" else RecoverySource(secret)
    home = Home(tmp_path / "home")
    done = restore(home, BACKUP, source, floor=CHEAP)
    session = Session.open(home, lambda: Vault.unlock_with(home.folder, source, floor=CHEAP))
    try:
        now = contents(session)
        assert {name: now.get(name) for name in KEPT["contents"]} == KEPT["contents"]
        assert done.manifest.connections == 2
        assert session.audit.verify().bad is None
        assert session.store.damage() == ()
        assert session.warnings == ()
    finally:
        session.lock()


def test_the_digests_tell_one_plaintext_from_another(tmp_path: Path) -> None:
    """The comparison can fail: a changed token is seen in its own line and in no other credential's."""
    home, source = Home(tmp_path / "home"), PassphraseSource(Secret(KEPT["passphrase"]))
    restore(home, BACKUP, source, floor=CHEAP)
    session = Session.open(home, lambda: Vault.unlock_with(home.folder, source, floor=CHEAP))
    try:
        session.drafts.save("begun", {"provider": "netlify", "texts": {"accessToken": "nfp_other"}}, version=2)
        now = contents(session)
        assert {name for name, digest in KEPT["contents"].items() if now[name] != digest} == {"draft begun"}
    finally:
        session.lock()
