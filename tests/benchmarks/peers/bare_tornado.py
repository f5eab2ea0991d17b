"""The least that Tornado does for an answer of the same bytes: `bare_tornado.py PORT ANSWER`.

ANSWER is JSON: {"headers": [[name, value], ...], "body": text}.
"""

import asyncio
import json
import sys

from tornado.httputil import HTTPHeaders
from tornado.web import Application, RequestHandler

ANSWER = json.loads(sys.argv[2])


class Handler(RequestHandler):
    """Gives the answer."""

    def set_default_headers(self) -> None:
        """Send the same headers, and no others."""
        self._headers = HTTPHeaders(ANSWER["headers"])

    def compute_etag(self) -> None:
        """Send none, as the other side sends none."""

    def get(self) -> None:
        """Answer."""
        self.finish(ANSWER["body"])


async def main() -> None:
    """Serve until killed."""
    application = Application([(r"/.*", Handler)], log_function=lambda handler: None)
    application.listen(int(sys.argv[1]), "localhost")
    await asyncio.Event().wait()


asyncio.run(main())
