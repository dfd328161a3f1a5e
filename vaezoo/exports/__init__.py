"""Export trained models to files that run without vaezoo.

``export.py`` is the order of an export; ``export_targets.py`` lists the formats, each one module.
"""
