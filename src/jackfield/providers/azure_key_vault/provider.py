"""How a key vault judges rights: by roles on the vault, or by access policies of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jackfield.providers.contract.call import Call
from jackfield.providers.contract.client_secrets import held_secrets, issue_secret, retire_secret
from jackfield.providers.contract.microsoft import allows, read_certificate, token_grant

__all__ = ["held_secrets", "issue_secret", "read_certificate", "retire_secret", "token_grant", "vault_rights"]

# A right as access policies name it → the data action that roles name.
_DATA_ACTIONS: Final = {
    "secrets/list": "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
    "secrets/get": "Microsoft.KeyVault/vaults/secrets/getSecret/action",
    "secrets/set": "Microsoft.KeyVault/vaults/secrets/setSecret/action",
    "secrets/recover": "Microsoft.KeyVault/vaults/secrets/recover/action",
    "secrets/delete": "Microsoft.KeyVault/vaults/secrets/delete",
    "certificates/list": "Microsoft.KeyVault/vaults/certificates/read",
    "certificates/get": "Microsoft.KeyVault/vaults/certificates/read",
    "certificates/import": "Microsoft.KeyVault/vaults/certificates/import/action",
    "certificates/delete": "Microsoft.KeyVault/vaults/certificates/delete",
    "certificates/recover": "Microsoft.KeyVault/vaults/certificates/recover/action",
}


async def vault_rights(call: Call) -> Mapping[str, object]:
    """Each right → true or false, where the vault's settings decide it; a right they do not decide is left out.

    Arguments: `vault` (its properties), `roles` (the permissions answer, or null) and `principal` (object id).
    """
    arguments: Mapping[str, Any] = call.arguments
    by_roles = arguments["vault"].get("enableRbacAuthorization")
    if by_roles is True and arguments["roles"] is not None:
        return {right: allows(arguments["roles"], action, data=True) for right, action in _DATA_ACTIONS.items()}
    if by_roles is False:
        policies = arguments["vault"].get("accessPolicies") or []
        judged = {right: _by_policy(policies, right, arguments["principal"]) for right in _DATA_ACTIONS}
        return {right: held for right, held in judged.items() if held is not None}
    return {}


def _by_policy(policies: Sequence[Mapping[str, Any]], right: str, principal: str) -> bool | None:
    """A policy of the principal grants; where only others' do, one may be a group it belongs to: None."""
    kind, verb = right.split("/")
    holders = {
        policy["objectId"]
        for policy in policies
        if {verb, "all"} & {name.lower() for name in policy["permissions"].get(kind) or ()}
    }
    if principal in holders:
        return True
    return None if holders else False
