"""Formulas that a user writes: read, derived, put into a program of small steps. None is ever evaluated as code."""

from engine.formula.reader import FormulaError, Reading, read

__all__ = ["FormulaError", "Reading", "read"]
