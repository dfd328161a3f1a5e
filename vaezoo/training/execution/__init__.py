"""How steps are executed: eager or compiled, and with which matmul precision."""
