"""Routing rules: which model answers which request, as the user's `routes.yaml` says.

`rules` is what the file may hold, `reading` makes rules and problems of its text, `router` decides.
"""
