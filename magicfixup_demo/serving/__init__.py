"""What stands between the open internet and the page: which addresses answer, with which headers, and what is told."""
