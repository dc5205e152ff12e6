"""Crossmodal Reverse Distillation (Liu, Wang, Leng, Zhang, arXiv 2412.08949)."""
