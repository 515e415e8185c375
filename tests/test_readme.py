"""The README's code runs as it stands."""

import re
from pathlib import Path

import numpy as np

README = Path(__file__).parent.parent / "README.md"


def test_its_blocks_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    names = {}
    exec(blocks[0].replace("epochs=10", "epochs=1"), names)
    # names are counted over the whole process, and other tests have made layers too
    kernel = names["model"].layers[1].name
    exec(blocks[1].replace('"conv2d"', repr(kernel)), names)
    assert (tmp_path / "digits.keras").exists()
    assert names["dx"].shape == (32, 8, 8)
    assert np.abs(names["model"].layers[1].kernel.grad).max() > 0
