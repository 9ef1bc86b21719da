"""The generated demo shop: invented items with drawn pictures, invented people with tastes, their events and reviews."""

from aisle.demo.build import build, key, server
from aisle.demo.check import Row, check, print_table
from aisle.demo.shop import SEED, Shop, generate

__all__ = ["SEED", "Row", "Shop", "build", "check", "generate", "key", "print_table", "server"]
