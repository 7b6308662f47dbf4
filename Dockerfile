# Two stages: the first has pip and all it leaves behind, the second has what runs.
FROM python:3.11.9-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/dermtwin
ENV PATH=/opt/dermtwin/bin:$PATH
WORKDIR /build
COPY requirements.lock .
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY twin twin
COPY actors actors
COPY simulator simulator
COPY services services
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /build/wheels .
RUN pip install --no-deps --no-index /build/wheels/*.whl

FROM python:3.11.9-slim-bookworm
# libgomp: XGBoost's and scikit-learn's threads.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp dermtwin \
  && install -d -o dermtwin -g dermtwin /var/lib/dermtwin
COPY --from=build /opt/dermtwin /opt/dermtwin
COPY scenarios /app/scenarios
# Nothing is written but to /tmp and DERMTWIN_HOME: the root file system may be read-only.
ENV PATH=/opt/dermtwin/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    DERMTWIN_HOME=/var/lib/dermtwin
WORKDIR /app
VOLUME /var/lib/dermtwin
USER dermtwin
ENTRYPOINT []
CMD ["dermtwin", "--help"]
