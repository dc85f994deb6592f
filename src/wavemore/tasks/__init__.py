"""Tasks that need nothing of each other: one after the other, in processes side by side, or on a cluster of Ray."""
