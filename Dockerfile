FROM python:3.11-slim
RUN useradd --create-home --uid 10001 dermtwin && mkdir -p /var/lib/dermtwin && chown dermtwin /var/lib/dermtwin
WORKDIR /app
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY twin twin
COPY actors actors
COPY simulator simulator
COPY services services
RUN pip install --no-cache-dir --no-deps --no-build-isolation .
USER dermtwin
ENTRYPOINT []
CMD ["dermtwin", "--help"]
