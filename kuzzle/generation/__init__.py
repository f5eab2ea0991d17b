"""What is made from the catalogue of actions: descriptions of the API for people, tools and generators.

Each maker is a pure function from the catalogue (and what the configuration says of protocols) to a JSON
document: the same input gives the same bytes, and an action that is added appears without another line.
"""
