"""Videos and photos -> training pairs, rendered by the collage that the page uses; shards of them, on any machines."""
