"""Routing rules: which model answers which request."""
