"""Videos and photos -> pairs (through collage.py) -> losses -> loop."""
