# syntax=docker/dockerfile:1
# The livetrial server. docker-compose.yml runs it beside its store; docs/deploy.md says how to operate it.

ARG NODE=22-bookworm-slim
ARG RUST=1.95-slim-bookworm
ARG PYTHON=3.11-slim-bookworm

# The pages.
FROM node:${NODE} AS pages
WORKDIR /src
COPY web_client/package.json web_client/package-lock.json web_client/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY web_client ./
RUN npm run build

# The forwarding plane, as a wheel. Debian's Python is the version that the wheel is for.
FROM rust:${RUST} AS plane
# No version is pinned: the base image decides on the release, and its security fixes are wanted.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /opt/maturin \
    && /opt/maturin/bin/pip install --constraint requirements.lock maturin
COPY media/plane ./
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    /opt/maturin/bin/maturin build --release --locked --compatibility linux \
    --manifest-path bindings/Cargo.toml --out /wheels

# The server and all it needs, in a virtual environment that is copied whole.
FROM python:${PYTHON} AS packages
RUN python -m venv /opt/livetrial
WORKDIR /src
COPY README.md pyproject.toml requirements.lock ./
COPY media ./media
COPY qa_queue ./qa_queue
COPY server ./server
COPY signaling ./signaling
COPY store ./store
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,from=plane,source=/wheels,target=/wheels \
    /opt/livetrial/bin/pip install --constraint requirements.lock /wheels/*.whl .

FROM python:${PYTHON}
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin livetrial \
    && install -d -o livetrial -g livetrial -m 0700 /data
COPY --from=packages /opt/livetrial /opt/livetrial
COPY --from=pages /src/dist /opt/livetrial/web
ENV PATH=/opt/livetrial/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LIVETRIAL_DATA_DIR=/data \
    LIVETRIAL_WEB_DIR=/opt/livetrial/web
USER 10001:10001
WORKDIR /data
VOLUME /data
# HTTP and WebSocket; all media.
EXPOSE 8080/tcp 8081/udp 8081/tcp
# Ready means: the store answers and the forwarding plane runs.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('LIVETRIAL_HTTP_PORT', 8080)), timeout=4); c.request('GET', '/readyz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["livetrial"]
CMD ["serve"]
