"""Geometry of organised point clouds: every neighbourhood is a window of the image of points."""
