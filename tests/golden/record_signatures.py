"""Write ``signatures.json``: the positional arguments of Keras's public names, in order, and their plain defaults.

KERAS_BACKEND=jax python tests/golden/record_signatures.py   # with keras 3.15.1 and jax installed
"""

import inspect
import json
import pathlib

import keras

MODULES = (
    "layers losses metrics optimizers optimizers.schedules initializers regularizers constraints callbacks activations "
    "utils saving models random"
)


def signature(one):
    found = inspect.signature(one.__init__ if inspect.isclass(one) else one).parameters.values()
    positional = [p for p in found if p.name != "self" and p.kind is p.POSITIONAL_OR_KEYWORD]
    plain = (bool, int, float, str, type(None), tuple, list)
    defaults = {p.name: p.default for p in positional if isinstance(p.default, plain)}
    return {"order": " ".join(p.name for p in positional), "defaults": defaults}


def main():
    facts = {}
    for path in MODULES.split():
        module = keras
        for part in path.split("."):
            module = getattr(module, part)
        for name, one in sorted(vars(module).items()):
            if name[0] != "_" and callable(one) and not isinstance(one, type(keras)):
                facts[f"{path}.{name}"] = signature(one)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(fact)}" for name, fact in facts.items())
    (pathlib.Path(__file__).parent / "signatures.json").write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
