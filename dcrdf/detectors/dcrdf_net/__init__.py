"""DCRDF-Net (Wang, Chen, Zhang, Sensors 2026, 26, 412), and plain dual reverse distillation."""
