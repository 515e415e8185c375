"""The table of layer cases: every property in test_properties.py is tested over all of them.

Each module in ``families`` lists the cases of one family of layers as ``CASES``.
"""

import importlib
import pathlib

FAMILIES = sorted(path.stem for path in (pathlib.Path(__file__).parent / "families").glob("*.py"))
CASES = [case for family in FAMILIES for case in importlib.import_module(f"layers.families.{family}").CASES]
