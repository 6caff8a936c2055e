"""From what a user calls a checkpoint to a local folder of safetensors."""
