"""What must not leave its place: secrets in text."""
