"""The picture: video, masks, ids and the tools that work on them."""
