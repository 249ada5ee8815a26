"""The VISOLO engine: network, online tracking, training, evaluation and YouTube-VIS files. Knows no GUI."""

__version__ = "0.1.0"
