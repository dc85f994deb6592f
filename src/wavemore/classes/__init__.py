"""Which of several kinds a string is."""
