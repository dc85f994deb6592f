"""Tables written again with columns added, every other byte as it was."""
