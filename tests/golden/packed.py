"""Many small float32 arrays in one compressed array, where a file with an entry for each would be mostly headers."""

import json

import numpy as np


def save(path, arrays):
    """Write arrays by name."""
    shapes = json.dumps([[name, np.shape(a)] for name, a in arrays.items()])
    flat = np.concatenate([np.ravel(a).astype("float32") for a in arrays.values()])
    np.savez_compressed(path, flat=flat, shapes=np.frombuffer(shapes.encode(), "uint8"))


def load(path):
    """Return the arrays by name."""
    with np.load(path) as file:
        flat, shapes = file["flat"], json.loads(file["shapes"].tobytes())
    ends = np.cumsum([int(np.prod(shape)) for _, shape in shapes])[:-1]
    parts = np.split(flat, ends)
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes, parts, strict=True)}


def dump(path, facts):
    """Write {section: {name: plain data}} as JSON, a line for each name."""
    sections = []
    for section, entries in facts.items():
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items())
        sections.append(f"{json.dumps(section)}: {{\n{lines}\n}}")
    path.write_text("{" + ",\n".join(sections) + "}\n")
