"""Eval runs: rows asked, answers graded, totals."""
