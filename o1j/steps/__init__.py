"""The craft: one module a verb, records in, records out."""
