"""The controller `auth`, made of several classes: what each is about is the name of its file."""
