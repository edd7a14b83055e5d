"""The SQLite engine: one module per noun, plumbing (connection, schema, migrations) apart."""
