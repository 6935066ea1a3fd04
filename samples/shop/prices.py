"""Prices of a small shop."""

from dataclasses import dataclass


@dataclass
class Item:
    name: str
    price: float
    quantity: int = 1


def total(items: list[Item]) -> float:
    """The sum of all prices, each times its quantity."""
    return sum(item.price * item.quantity for item in items)


def cheapest(items: list[Item]) -> Item:
    """The item with the lowest price."""
