"""Eigenvalues and vectors in closed form against LAPACK's."""

import numpy as np
import pytest
import torch

from dcrdf.networks.geometry.eigen import eigenvalues, smallest_vectors


def matrices(seed, spreads, count=300):
    """Turned diagonal matrices, and their upper triangles."""
    rng = np.random.default_rng(seed)
    turns = np.linalg.qr(rng.normal(size=(count, 3, 3)))[0]
    values = np.array(spreads) * rng.uniform(0.5, 1.0, (count, 1))
    full = turns * values[:, None, :] @ turns.transpose(0, 2, 1)
    rows, columns = np.triu_indices(3)
    return full, torch.from_numpy(full[:, rows, columns])


@pytest.mark.parametrize(
    "spreads",
    [(3.0, 2.0, 1.0), (1e-6, 1e-6, 1e-10), (1.0, 1.0, 0.0), (1.0, 0.1, 0.09), (1e-7, 3e-8, 0.0)],
)
def test_against_lapack(spreads):
    full, upper = matrices(0, spreads)
    values, vectors = np.linalg.eigh(full)
    found = eigenvalues(upper)
    np.testing.assert_allclose(found, values[:, ::-1], atol=1e-12 * max(spreads))
    normals = smallest_vectors(upper, found).numpy()
    across = np.linalg.norm(np.cross(normals, vectors[:, :, 0]), axis=1)
    assert across.max() < 1e-5
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0)


@pytest.mark.parametrize("spreads", [(1.0, 0.0, 0.0), (1.0, 1e-7, 0.0), (0.0, 0.0, 0.0)])
def test_points_on_a_line_have_no_smallest_direction(spreads):
    _, upper = matrices(1, spreads)
    assert not smallest_vectors(upper, eigenvalues(upper)).any()


def test_a_ball_has_none_and_nothing_is_nan():
    upper = torch.tensor([[2.0, 0.0, 0.0, 2.0, 0.0, 2.0]], dtype=torch.float64)
    assert eigenvalues(upper).tolist() == [[2.0, 2.0, 2.0]]
    assert not smallest_vectors(upper, eigenvalues(upper)).any()
