"""The distribution: the packages `kuzzle` and `protocols`, the data of `schemas`, the command `kuzzle`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent


def version() -> str:
    """Return the version that `kuzzle/__init__.py` states, without importing it."""
    match = re.search(r'^__version__ = "(.+)"$', (ROOT / "kuzzle" / "__init__.py").read_text(), re.MULTILINE)
    if match is None:
        raise RuntimeError("kuzzle/__init__.py states no version")
    return match[1]


setup(
    name="kuzzle-server",
    version=version(),
    description="A Kuzzle-compatible backend on Tornado: data, search and realtime behind one API",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "License :: OSI Approved :: Apache Software License",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
    ],
    python_requires=">=3.11",
    packages=[*find_packages(include=["kuzzle", "kuzzle.*", "protocols", "protocols.*"]), "schemas"],
    package_data={
        "kuzzle": ["py.typed", "generation/client/typescript/*.ts"],
        "protocols": ["py.typed", "**/*.js", "**/*.txt", "**/LICENSE*"],
        "schemas": ["**/*.json"],
    },
    entry_points={"console_scripts": ["kuzzle = kuzzle.cli:main"]},
    # ARCHITECTURE.md has the reason for each. Exact pins where private names are used.
    install_requires=[
        "tornado==6.6.*",
        "python-socketio==5.18.1",
        "python-engineio==4.15.1",
        "pyyaml>=6.0.1",
        "jsonschema>=4.23",
        "jsonschema-rs>=0.60",
        "orjson>=3.10",
        "apsw>=3.50",
        "prometheus-client>=0.22",
        "pystemmer>=3.0",
        "argon2-cffi>=23.1",
        "google-re2==1.1.20251105",
        "joserfc>=1.4",
        "packaging>=24",
        "redis>=8.0,<9",
        "fakeredis==2.40.0",
    ],
    extras_require={
        "docs": ["mkdocs-material>=9.5"],
        "test": [
            "pytest>=9,<10",
            "pytest-tornado==0.8.1",
            "setuptools<81",  # pytest-tornado imports pkg_resources, which later ones lack
            "wheel",
            "pytest-timeout>=2.3",
            "hypothesis>=6.100",
            "paho-mqtt>=2",
            "aiohttp>=3.10",  # what generated clients in Python speak with
            "websocket-client>=1.6",  # what python-socketio's own client speaks WebSocket with
            "openapi-spec-validator>=0.8",
            "schemathesis>=4.10",
            "mkdocs-material>=9.5",
            "mypy>=2.0",
            "ruff>=0.17",
            "bandit>=1.8",
            "pip-audit>=2.9",
            "types-jsonschema",
            "types-PyYAML",
            "types-paho-mqtt",
        ],
    },
)
