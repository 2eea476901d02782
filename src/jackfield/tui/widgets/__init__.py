"""What every screen is built from. A widget gets values and posts messages, and reaches for nothing else."""
