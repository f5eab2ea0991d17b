"""`python -m kuzzle`.

Python puts the current folder first on the search path, where a user's project may have a
`protocols/`, a `queue.py` or a `yaml/` of its own. It goes last here, before anything else is
imported: the project's own modules are found, and shadow nobody's.
"""

import os
import sys

if sys.path and sys.path[0] == os.getcwd():
    sys.path.append(sys.path.pop(0))

from kuzzle.cli import main

if __name__ == "__main__":
    sys.exit(main())
