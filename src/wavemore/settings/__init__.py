"""Settings: read strictly, put together, and chosen for a list."""
