"""The VISOLO network (paper 3 and 4); importing this package imports torch."""
