"""Multi-scale flow distillation (Qin et al., PD-REAL, arXiv 2311.04095); with one scale, AST."""
