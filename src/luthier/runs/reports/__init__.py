"""What a run's folder comes to: ledger, licence, report, advice; and several runs compared."""
