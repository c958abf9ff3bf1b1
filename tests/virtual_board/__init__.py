"""A board to test on without hardware: see VirtualBoard."""

from .board import VirtualBoard

__all__ = ["VirtualBoard"]
