"""Ghost text from models that speak only OpenAI's dialect.

`base` is what all ways to ask have in common, `fim`, `suffix` and `chat` are the ways, `ways` chooses one,
`neutral` keeps special tokens out of them, `asker` asks.
"""
