"""Online inference: maps to instances, instances to tracks, frame by frame."""
