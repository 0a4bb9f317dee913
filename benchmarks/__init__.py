"""Speed and memory of luthier against peers, on the same work; `make bench` runs everything."""
