"""Webhooks: signed, sent only where they may lead, tried again for days."""
