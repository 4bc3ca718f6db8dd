"""Ranges of what the user may ask for: one place for the command line, the page and the engine. Imports nothing."""

MAX_STEPS = 100
MAX_SEED = 2**32 - 1
MAX_SAMPLES = 8
MOST_TOGETHER = 4  # fix-ups that share a run: more save hardly anything, and each takes memory
LARGE_PIXELS = 16_000_000  # of a photo: from here on a fix-up may take minutes, and up to 50 MB for each million
SAMPLER_NAMES = ("published", "ddim", "dpm++", "unipc")  # engine.samplers
BACKEND_NAMES = ("torch", "torch-bf16", "openvino")  # engine.backends; the first is the reference


def sample_seed(first: int, sample: int) -> int:
    """The seed of the sample of that index (from 0) in a fix-up with the seed ``first``; after the last comes 0."""
    return (first + sample) % (MAX_SEED + 1)
