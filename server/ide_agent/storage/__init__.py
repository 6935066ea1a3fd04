"""Tables, migrations and the database file."""
