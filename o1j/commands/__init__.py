"""The shell around the steps: one file a verb, options in, one expression out."""
