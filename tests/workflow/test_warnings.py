"""What `prepare` warns of reaches the terminal, at the end, and the page."""

import json

import numpy as np
import pytest

from dcrdf.files.images import read_xyz, write_xyz


@pytest.mark.slow
def test_prepares_warnings_reach_terminal_and_page(make_scans, new_workflow, tmp_path):
    folder = tmp_path / "flow"
    folder.mkdir()
    root = make_scans(folder / "scans", ("a",))
    for path in root.rglob("*.tiff"):
        xyz = read_xyz(path)
        seen = np.where(xyz[..., 2:] > 0, xyz * [1, -1, -1] + [0.1, 0.2, 0.45], 0)
        write_xyz(path, seen.astype(np.float32))
    flow = new_workflow(folder)
    flow.config = json.loads(json.dumps(flow.config))
    flow.config["dataset"]["categories"] = ["a"]
    result = flow.run()
    warning = "a: the points are not in a camera"
    assert f"dcrdf: warning: {warning}" in result.stderr
    assert f"When preparing, {warning}" in (flow.results / "report.html").read_text()
