"""New strings: drawn, under conditions, or the likeliest first."""
