"""Pairs -> batches -> losses -> loop."""
