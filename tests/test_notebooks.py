"""The notebooks run from their first cell to their last, as Jupyter would run them."""

from pathlib import Path

import nbclient
import nbformat
import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"


@pytest.mark.filterwarnings("ignore")  # Jupyter's own
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [kind for output in outputs for kind in output.get("data", {})]
    assert shown.count("image/png") == sum("plt.subplots" in cell.source for cell in notebook.cells) > 0
    assert "text/html" in shown
    assert [output for output in outputs if output.output_type == "error"] == []
    texts = "".join(str(text) for output in outputs for text in output.get("data", {}).values())
    assert "accesses_per_second" not in texts, "what a notebook shows is the same in every run"
    assert len(texts) < 500_000


def test_notebooks_are_stored_without_outputs():
    paths = sorted(FOLDER.glob("*.ipynb"))
    assert paths
    for path in paths:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), f"{path.name}: clear the outputs"
            assert cell.get("execution_count") is None
