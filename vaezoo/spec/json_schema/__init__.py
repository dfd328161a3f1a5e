"""The JSON Schema of a spec file, for editors and validators that do not run vaezoo."""

from vaezoo.spec.json_schema.spec_file import as_json, schema, write_schema

__all__ = ["as_json", "schema", "write_schema"]
