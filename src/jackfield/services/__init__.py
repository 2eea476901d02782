"""The use cases both faces share. Only here do the store, the vault and checks meet."""
