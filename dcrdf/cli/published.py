"""The papers whose printed numbers stand beside ours, and the printed means that cannot be right.

A mean is wrong when it differs from the mean of its own printed cells by more than rounding.
"""

import argparse

from dcrdf.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `dcrdf published`."""
    parser.add_argument("--dataset", help="means on this data set only (mvtec3d, eyecandies, ...)")


def run(args: argparse.Namespace) -> None:
    """Print sources, then a line per wrong mean."""
    from dcrdf.results.published import check_means, load_published, load_sources

    published = load_published()
    if args.dataset is not None:
        known = sorted(published["dataset"].unique())
        if args.dataset not in known:
            raise UserError(f"--dataset: no {args.dataset!r}; there are: {', '.join(known)}")
        published = published[published["dataset"] == args.dataset]
    for paper, source in load_sources().iterrows():
        print(f"{paper}: {source['reference']} doi:{source['doi']}\n  {source['evaluation']}")
    print("\nprinted means that differ from the mean of their cells by more than rounding, %:")
    for row in check_means(published).itertuples():
        print(
            f"  {row.paper}, {row.table}, {row.dataset}, {row.metric}, {row.method}:"
            f" printed {row.printed_mean:.1f}, cells {row.mean_of_cells:.2f}"
        )
