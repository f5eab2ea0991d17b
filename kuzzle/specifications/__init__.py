"""What the documents and messages of a collection must be like, as users specify it.

`reading` checks a specification and compiles it, `specification` holds content against it, `types`
(with `dates` and `geography`) knows the types of fields, `store` keeps the specifications in force.
"""
