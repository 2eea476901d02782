"""Keys typed faster than the interface works: each waits until what those before it began is there."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from textual.app import App
from textual.widget import Widget

LONGEST: Final = 0.5  # seconds a key waits at most, so that something slow never holds them all


async def settle(app: App[Any]) -> None:
    """Return when nothing is under way from where the keys go, outwards, and a screen that was opened is composed."""
    settled: Widget | None = None
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            while settled is not (aim := app.focused or app.screen):
                await _deal_with_messages(aim)
                settled = aim


async def _deal_with_messages(widget: Widget) -> None:
    """Wait for all that widget and those around it were told until now; what one passes on, the next one is told."""
    for node in widget.ancestors_with_self:
        dealt_with = asyncio.Event()
        if not isinstance(node, App) and node.call_later(dealt_with.set):
            await dealt_with.wait()
