"""What runs inside the sandbox: standard library only, started by its path, so that luthier is not there at all."""
