"""Files in and out: video frames, YouTube-VIS JSON, atomic writing."""
