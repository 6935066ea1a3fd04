"""The page that shows panels to every editor that does not draw them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Tab = Callable[..., Page]


def test_every_kind_of_block_is_drawn(tab: Tab) -> None:
    page = tab()
    expect(page).to_have_title("Gallery")
    expect(page.get_by_role("heading", name="Gallery", level=1)).to_be_visible()
