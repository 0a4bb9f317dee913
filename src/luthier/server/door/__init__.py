"""What every request passes before a handler sees it: keys, limits, bounded bodies, errors in one envelope."""
