"""Engine `endpoint`: a model behind a server that speaks OpenAI's protocol."""
