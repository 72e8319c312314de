"""Reports of results: text for the terminal, JSON and Parquet for programs, pictures for people."""
