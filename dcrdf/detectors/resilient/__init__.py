"""Modality-resilient detection (Xu et al., Sensors 2025, 25, 6529; docs/resilient.md)."""
