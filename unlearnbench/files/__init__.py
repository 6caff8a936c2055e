"""Files: foreign ones are read with bounds, own ones are written whole or not at all."""
