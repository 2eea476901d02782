"""What the program costs: figures and ratios, printed, never asserted."""
