"""TLS to the operator's own servers: certificate and host name are always checked."""

import ssl
from pathlib import Path

from digest.errors import ConfigError


def tls_context(key: str, ca_file: Path | None) -> ssl.SSLContext:
    """Make a context that checks certificate and host name.

    Args:
        key: the setting that names the file.
        ca_file: certificates to trust; None = the system's.

    Raises:
        ConfigError: the file cannot be read as certificates.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"{key}: {ca_file}: cannot be read as certificates: {error}") from error
