"""The engine processes: what runs on the other side of the pipe."""
