"""Trained models as versioned folders, each with a card and checksums; one of them is live."""

from aisle.models.store import Models, Version

__all__ = ["Models", "Version"]
