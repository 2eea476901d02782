"""One module a screen. A screen composes and routes; the rules live in the services."""
