"""Learning curves: small trainings on one base, and what more rows would bring."""
