# syntax=docker/dockerfile:1
# One image for everything of Watchkeeper: worker, rollups, migrations, the command.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/watchkeeper
COPY requirements/local.txt requirements/local.txt
# Wheels alone: nothing is compiled, and every file is the one that was locked.
RUN /opt/watchkeeper/bin/pip install --require-hashes --only-binary :all: -r requirements/local.txt
COPY pyproject.toml README.md LICENSE ./
COPY cli cli
COPY dashboards dashboards
COPY evals evals
COPY producers producers
COPY schemas schemas
COPY stream_processors stream_processors
RUN /opt/watchkeeper/bin/pip install --no-deps .

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Watchkeeper" \
      org.opencontainers.image.description="Event streaming, failure detection and evaluation for AI agents" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --no-create-home --home-dir /var/lib/watchkeeper watchkeeper \
    && install -d -o watchkeeper -g watchkeeper /var/lib/watchkeeper
COPY --from=build /opt/watchkeeper /opt/watchkeeper
ENV PATH=/opt/watchkeeper/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WATCHKEEPER_HOME=/var/lib/watchkeeper
WORKDIR /var/lib/watchkeeper
USER 10001
ENTRYPOINT ["watchkeeper"]
CMD ["--help"]
