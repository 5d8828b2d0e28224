"""The paths of the API, one router a file; `server.app` puts them together."""
