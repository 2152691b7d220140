"""o1j: Unix filters that make o1-style long-thought distillation reproducible."""

__version__ = "0.1.0"
