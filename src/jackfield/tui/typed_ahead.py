"""Keys typed faster than the interface works: each waits until what those before it began is there."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from textual.app import App
from textual.dom import DOMNode
from textual.widget import Widget

from jackfield.tui.widgets.paged_list import PagedList

LONGEST: Final = 0.5  # seconds a key waits at most, so that something slow never holds them all


async def settle(app: App[Any]) -> None:
    """Return when nothing is under way from where the keys go, outwards.

    A screen that was opened is composed then, and a list that shall take another's place is there.
    """
    settled: Widget | None = None
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST):
            while settled is not (aim := app.focused or app.screen):
                for node in aim.ancestors_with_self:
                    if not isinstance(node, App):
                        await _deal_with_messages(node)
                if isinstance(aim, PagedList):
                    await aim.there.wait()
                settled = aim


async def _deal_with_messages(node: DOMNode) -> None:
    """Wait for all that a node was told, by itself too; what it passes on, the one around it is told."""
    while True:
        dealt_with = asyncio.Event()
        if not node.call_later(dealt_with.set):
            return
        await dealt_with.wait()
        if not node.message_queue_size:
            return
