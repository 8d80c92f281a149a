"""The demonstration: two days of an invented world, for the real pipeline to read.

Nothing here is used by the service.  Every paper, author, organisation and figure in
`items.json` is made up, and the ids lie where arXiv has never numbered.
"""
