# docker build -t genlock .
# docker run --rm -v "$PWD:/videos" genlock align talk.mp4
FROM python:3.13-slim

WORKDIR /opt/genlock
ENV PIP_NO_CACHE_DIR=1 GENLOCK_CACHE=/opt/genlock/cache

COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN pip install --constraint constraints.txt '.[speech,faces]' \
    && python -m genlock.weights \
    && chmod -R a+rX "$GENLOCK_CACHE"

WORKDIR /videos
ENTRYPOINT ["genlock"]
CMD ["--help"]
