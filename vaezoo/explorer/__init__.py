"""Pages in which one moves through the latents of a model; models as plain JavaScript."""

from vaezoo.explorer.operator_converter import NotExportable
from vaezoo.explorer.write_explorer import explore, explore_model
from vaezoo.explorer.write_javascript import write_javascript

__all__ = ["NotExportable", "explore", "explore_model", "write_javascript"]
