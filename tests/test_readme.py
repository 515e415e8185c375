"""The code in the README and in the docs runs as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


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


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_pages_run_from_top_to_bottom(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    names = {"__name__": "page"}
    for block in blocks:
        exec(block, names)
    if page.stem == "writing-a-layer":
        printed = capsys.readouterr().out
        assert "The gradient of the input is wrong. Worst element" in printed and "[0.25 0.25 0.25]" in printed
