# `wavemore serve` in a container. Build and run it as docs/how-to/serve.md says; it needs a token, since others reach it.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /opt/wavemore
COPY . .
RUN python -m venv .venv
RUN .venv/bin/python -m pip install --quiet -c constraints.txt '.[serve]'
RUN .venv/bin/python -m compileall -q .venv

# Nothing is written while it runs, so the file system may be read-only.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/opt/wavemore/.venv/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]

# Without a shell in between, so that SIGTERM arrives. Models and options come after the image's name.
ENTRYPOINT ["/opt/wavemore/.venv/bin/wavemore", "serve", "--address", "0.0.0.0", "--port", "8000"]
