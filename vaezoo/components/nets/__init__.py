"""The torch modules of the built-in components, imported only when they are built."""
