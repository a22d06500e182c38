"""A certificate authority of our own, made for a test with openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path


def certificate(folder: Path, host: str) -> Path:
    """The authority's certificate, ca.pem in `folder`; beside it server.pem and server.key, for `host`: `IP:…` or `DNS:…`."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=greenhouse", "-days", "2")
    openssl("req", *new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    (folder / "names").write_text(f"subjectAltName={host}\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "server.pem", "-days", "2", "-extfile", "names")  # fmt: skip
    return folder / "ca.pem"
