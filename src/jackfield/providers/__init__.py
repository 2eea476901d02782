"""The contract of a provider, and one folder per provider.

A folder holds `provider.yaml` (data) and, only where data is not enough, `provider.py` beside it.
"""
