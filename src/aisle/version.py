"""The version of Aisle."""

VERSION = "0.1.0"
