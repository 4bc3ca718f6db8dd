"""Work as files, and files as work again: a PNG that carries its collage, a zip with everything. No Gradio here."""
