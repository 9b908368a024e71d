"""Results for people and programs: JSON, tables, pictures."""
