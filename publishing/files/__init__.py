"""Scheduled files: golden records as CSV or fixed width, put into a folder or on an SFTP server."""
