"""What larger machines need: scores and samples as Arrow arrays, the engines that run them, and jobs of many files."""
