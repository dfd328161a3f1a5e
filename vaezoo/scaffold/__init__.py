"""New plugins: a complete package of one's own from one command."""

from vaezoo.scaffold.package import Created, new_plugin

__all__ = ["Created", "new_plugin"]
