"""A static site that shows the entries of zoos."""

from vaezoo.gallery.build_site import BuiltGallery, build_gallery

__all__ = ["BuiltGallery", "build_gallery"]
