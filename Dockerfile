# docker build -t genlock .
# docker run --rm -v "$PWD:/videos" genlock align talk.mp4
#
# For `genlock prepare --engine ray`, on every machine of a cluster, with the folders of films and datasets shared:
#   docker build -t genlock-ray --build-arg EXTRAS=speech,faces,cluster .
#   docker run --rm --network host --shm-size 2g --entrypoint ray genlock-ray start --head --block
#   docker run --rm --network host -v /data:/data genlock-ray prepare /data/films -o /data/set --engine ray --address auto
FROM python:3.13-slim

ARG EXTRAS=speech,faces
WORKDIR /opt/genlock
ENV PIP_NO_CACHE_DIR=1 GENLOCK_CACHE=/opt/genlock/cache

COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY docs/genlock.1 ./docs/
COPY src ./src
RUN pip install --constraint constraints.txt ".[$EXTRAS]" \
    && python -m genlock.weights \
    && chmod -R a+rX "$GENLOCK_CACHE"

WORKDIR /videos
ENTRYPOINT ["genlock"]
CMD ["--help"]
