"""Which panels are open, and for how long."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from ide_agent.errors import ModelNotFound, PanelError
from ide_agent.panels import Panel, Panels
from ide_agent.panels import service as service_module
from ide_agent.panels.blocks import TextBlock


@pytest.fixture
async def panels() -> Panels:
    return Panels()


class Openings:
    """Counts how often a panel was filled, and whether its work goes on."""

    def __init__(self) -> None:
        self.panels: list[Panel] = []
        self.ended = 0

    async def open(self, panel: Panel) -> None:
        self.panels.append(panel)
        await asyncio.sleep(0)
        panel.set(TextBlock(id="a", markdown="x"))
        panel.spawn(self._work())

    async def _work(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1


async def test_a_panel_is_open_once_for_each_language(panels: Panels) -> None:
    openings = Openings()
    panels.offer("hub", "hub.panel.title", openings.open)
    found = await asyncio.gather(*(panels.open("hub", language) for language in ("en", "tr", "en", "en")))
    assert len(openings.panels) == 2
    assert found[0] is found[2] is found[3]
    assert (found[0].state.title, found[1].state.title) == ("Models", "Modeller")
    assert panels.offered("tr") == [{"name": "hub", "title": "Modeller"}]
    await panels.close()
    assert openings.ended == 2


async def test_one_that_nobody_offers(panels: Panels) -> None:
    panels.offer("hub", "hub.panel.title", Openings().open)
    with pytest.raises(PanelError) as caught:
        await panels.open("hob", "en")
    assert "hub" in str(caught.value)


async def test_where_no_feature_was_loaded_it_says_so(panels: Panels) -> None:
    with pytest.raises(PanelError) as caught:
        await panels.open("hub", "en")
    assert "none of the features of IDE-Agent was loaded" in str(caught.value)
    assert "There are" not in str(caught.value)


async def test_one_that_cannot_be_filled_is_tried_again(panels: Panels) -> None:
    tries: list[Panel] = []

    async def opener(panel: Panel) -> None:
        tries.append(panel)
        if len(tries) == 1:
            raise ModelNotFound(name="x")

    panels.offer("hub", "hub.panel.title", opener)
    with pytest.raises(ModelNotFound):
        await panels.open("hub", "en")
    assert await panels.open("hub", "en") is tries[1]
    await panels.close()


async def test_it_stays_while_somebody_looks_and_leaves_after(
    panels: Panels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "_LINGER_SECONDS", 0.0)
    openings = Openings()
    panels.offer("hub", "hub.panel.title", openings.open)
    async with aclosing(panels.watch("hub", "en")) as one, aclosing(panels.watch("hub", "en")) as two:
        await anext(one)
        await anext(two)
        await one.aclose()
        for _ in range(10):
            await asyncio.sleep(0)
        assert openings.ended == 0
        assert await panels.open("hub", "en") is openings.panels[0]
    async with asyncio.timeout(30):
        while not openings.ended:
            await asyncio.sleep(0.001)
    assert await panels.open("hub", "en") is openings.panels[1]
    await panels.close()


async def test_one_that_lingers_is_found_again(panels: Panels) -> None:
    openings = Openings()
    panels.offer("hub", "hub.panel.title", openings.open)
    for _ in range(2):
        async with aclosing(panels.watch("hub", "en")) as events:
            await anext(events)
    assert len(openings.panels) == 1
    await panels.close()


@pytest.mark.parametrize("name", ["", "Hub", "a/b", "assets", "enter", "hub2"])
async def test_a_name_that_would_be_another_route(panels: Panels, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        panels.offer(name, "hub.panel.title", Openings().open)
