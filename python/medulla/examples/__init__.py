"""Adapters and training programs that work; read them, run them, copy them."""
