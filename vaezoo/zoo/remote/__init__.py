"""Zoos at an address: on a server, in a bucket, on the Hugging Face hub or in a shared folder.

A remote zoo has this layout::

    index.json              every entry: its revision, figures, license and plugins
    NAME/README.md          the card for readers
    NAME/REVISION.json      size and SHA-256 of every file of a revision
    NAME/REVISION/…         the files of the entry, as in a zoo on disk

``REVISION`` is the SHA-256 of ``REVISION.json``. So the index vouches for the list of files, and
the list for the files. Files of a revision never change: a push writes a new revision and then
replaces ``index.json``.
"""
