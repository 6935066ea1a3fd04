"""Remote models: endpoints the user turned on, their keys, and what went to them."""
