"""WMDP's own metric and ours beside it: letters in four rotations, choices written out."""
