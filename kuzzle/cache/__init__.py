"""What several servers may share: short-lived entries in bounded tables."""
