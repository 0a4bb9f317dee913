"""Several settings tried side by side on one base, with the evidence."""
