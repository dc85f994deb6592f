"""Lists: characters and ids, files and formats, cleaned and split."""
