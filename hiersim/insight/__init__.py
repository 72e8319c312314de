"""What results teach: what binds a run and what would help, runs beside one another, and why they differ."""
