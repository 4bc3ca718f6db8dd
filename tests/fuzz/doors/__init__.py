"""One module a door. Each has DOORS: what strangers can hand in there, and what is tried with it."""
