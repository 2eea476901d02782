"""Real servers on loopback for the tests: one module a family, started when first asked for, shared by all workers.

Ask for one as a fixture (`postgres`, `redis_server`, `openldap`, …: see `plugin`). Each gives a small frozen handle
with its address, its administrator and the means to make fresh users, so that tests never collide.
"""
