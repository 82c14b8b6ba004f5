# The stages in a container, with torch's CPU build; add --build-arg TORCH= for CUDA (6 GB instead of 2 GB).
#
#     docker build -t image-retrieval .
#     docker run --rm -v "$PWD:/data" image-retrieval substring --query 'tabby cat|corgi' --match word --dbs 'pool/*.parquet' --output out
#
# Each path of a command is inside the folder that is mounted as /data. Files are written as the user of --user, else as root.
FROM python:3.12-slim AS install
ARG TORCH=cpu
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY Makefile requirements.lock ./
RUN make setup TORCH=$TORCH PYTHON=python3

FROM python:3.12-slim
# img2dataset's OpenCV (headless), faiss and torch bring their libraries; libgomp is what torch's CPU build may lack.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=install /app/.venv .venv
COPY . .
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HF_HOME=/data/.cache/huggingface
WORKDIR /data
ENTRYPOINT ["/app/container_entry.sh"]
CMD ["--help"]
