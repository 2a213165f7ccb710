# lensbench with its reference plugins:
#   docker build --tag lensbench .
#   docker run --rm --volume "$PWD:/work" lensbench run --encoder mae-vit --task superres
FROM python:3.11-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends make git \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/lensbench
COPY . .
RUN make install
ENV PATH="/opt/lensbench/.venv/bin:$PATH"
WORKDIR /work
ENTRYPOINT ["lensbench"]
CMD ["--help"]
