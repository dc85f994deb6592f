"""Recipes and models compared on one split."""
