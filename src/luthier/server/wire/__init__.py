"""Wire types: what clients send as pydantic models, what they get as functions from our records to dicts."""
