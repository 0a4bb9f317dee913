"""Batches: a file of requests in, files of answers out."""
