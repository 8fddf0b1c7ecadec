"""The demo's other side: an SFTP server of our own, and what fills an empty database. Not for production."""
