"""The torch halves of the built-in components; imported only by their ``build``."""
