"""CoarseEdit -> EditResult: conditioning, detail transfer, pipeline, comparison, weights."""
