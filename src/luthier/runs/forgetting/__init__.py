"""What a tuned model can no longer do, and what it knows by heart, measured against its base."""
