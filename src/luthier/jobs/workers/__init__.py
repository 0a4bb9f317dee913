"""Workers: the lease queue, runs as processes of their own, and what follows from how they ended."""
