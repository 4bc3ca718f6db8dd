"""Many visitors at once on the running app: see visitors.py."""
