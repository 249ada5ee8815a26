"""Datasets in other formats than YouTube-VIS, in and out; `catalogue` is the module to import."""
