"""The house rules that a machine can check: imports run downward, files stay short, heavy modules stay out."""

import ast
import pathlib
import subprocess
import sys

import pytest

import nnlite

PACKAGE = pathlib.Path(__file__).parents[1] / "nnlite"
LEVELS = [
    {"config", "random"},
    {"kernels"},
    {"core"},
    {"activations", "initializers", "regularizers", "constraints", "losses", "optimizers"},
    {"metrics"},
    {"layers", "ops"},
    {"training", "saving"},
    {"models"},
    {"backend", "callbacks", "cli", "datasets", "dtype_policies", "mixed_precision", "preprocessing", "testing"}
    | {"utils"},
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path):
    """The nnlite modules a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "nnlite":
                    yield alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports name their module in full"
            if node.module == "nnlite":
                yield from (f"nnlite.{alias.name}" for alias in node.names)
            elif (node.module or "").startswith("nnlite."):
                yield node.module


def part(dotted):
    return dotted.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downward(path):
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if own == "__init__":
        return
    for name in imported(path):
        assert name != "nnlite", f"{path} imports the whole package"
        other = part(name)
        if other != own:
            assert LEVEL[other] <= LEVEL[own], f"{path} (level {LEVEL[own]}) imports {name} (level {LEVEL[other]})"
            same_family = LEVEL[own] == 3 and LEVEL[other] == 3
            assert not same_family, f"{path}: families of level 3 never import each other, but it imports {name}"


def test_the_rule_sees_upward_imports(tmp_path):
    """The check above can fail."""
    file = tmp_path / "f.py"
    file.write_text("def f():\n    from nnlite.layers import Dense\n    import nnlite.models\n")
    assert [part(name) for name in imported(file)] == ["layers", "models"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_stay_short_and_documented(path):
    text = path.read_text()
    assert text.count("\n") <= 400
    tree = ast.parse(text)
    public = [
        node
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    ]
    assert [node.name for node in public if not ast.get_docstring(node)] == []
    assert ast.get_docstring(tree)


def test_import_is_light():
    """Importing nnlite brings in no heavy module, and not many of the standard library's."""
    code = (
        "import sys, numpy; before = set(sys.modules); import nnlite; new = set(sys.modules) - before;"
        "tops = {m.split('.')[0] for m in new};"
        "heavy = tops & {'scipy', 'h5py', 'tqdm', 'threadpoolctl', 'pandas', 'matplotlib', 'sklearn', 'PIL'};"
        "own = [m for m in new if m.startswith('nnlite')];"
        "print(sorted(heavy)); print(len(new) - len(own)); print(len(own))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    assert out[0] == "[]"
    assert int(out[1]) < (5 if sys.version_info >= (3, 11) else 8)
    assert int(out[2]) < 10  # of our own modules: all families are imported when they are used


def test_prediction_is_light(tmp_path):
    """A model that is loaded to predict brings in nothing that training needs, and no SciPy."""
    path = str(tmp_path / "model.keras")
    model = nnlite.Sequential([nnlite.Input((8, 8, 1)), nnlite.layers.Conv2D(2, 3, activation="relu")])
    model.compile("adam", "mse")
    model.save(path)
    code = (
        "import sys, numpy, nnlite;"
        "model = nnlite.models.load_model(sys.argv[1], compile=False);"
        "model.predict(numpy.ones((1, 8, 8, 1)));"
        "unused = {'scipy', 'nnlite.losses', 'nnlite.metrics', 'nnlite.optimizers', 'nnlite.training.callbacks'};"
        "print(sorted(unused & set(sys.modules)), len([m for m in sys.modules if m.startswith('nnlite')]))"
    )
    out = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    names, count = out.rsplit(maxsplit=1)
    assert names == "[]"
    assert int(count) < 115
