"""A picture of training samples beside their pseudo-anomalies, to look at."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf contact-sheet`."""
    parser.add_argument("--prepared", type=Path, required=True, help="the prepared HDF5 file")
    parser.add_argument("--variants", type=Path, required=True, help="the pseudo-anomaly cache")
    parser.add_argument("--samples", type=int, default=4, metavar="N", help="default 4")
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")


def run(args: argparse.Namespace) -> None:
    """Write the picture."""
    from dcrdf.anomalies.sheet import write_contact_sheet

    write_contact_sheet(args.prepared, args.variants, args.out, args.samples)
    print(f"{args.out}: written")
