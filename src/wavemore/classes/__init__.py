"""What a model says of strings, and how good what it says is."""
