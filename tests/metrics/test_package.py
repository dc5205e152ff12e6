import subprocess
import sys

import dcrdf.metrics


def test_import_is_light():
    """`aggregate` and `--help` must not wait for scipy."""
    script = (
        "import sys, dcrdf.metrics; "
        "heavy = {'scipy', 'torch', 'pandas', 'cv2', 'h5py'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_all_is_there():
    for name in dcrdf.metrics.__all__:
        assert getattr(dcrdf.metrics, name).__doc__ or name == "LIMITS"
