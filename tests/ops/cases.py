"""All cases of functions of ``nnlite.ops``."""

from ops.families import elements, networks, shapes, sums

CASES = [case for family in (elements, sums, shapes, networks) for case in family.CASES]
