"""Work that any server process may do: leased, side by side, asked through the server's own routes."""
