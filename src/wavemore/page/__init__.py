"""The page: one HTML file with a model inside, to click in, without a connection."""
