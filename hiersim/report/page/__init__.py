"""A result, or several to compare, as one HTML file that needs nothing else."""
