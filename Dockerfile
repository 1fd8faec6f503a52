# syntax=docker/dockerfile:1
# One build, three images, each nothing but a static binary and the licence texts:
#   docker build --target fib-server -t fib-server .
ARG BUILDER_IMAGE=docker.io/library/rust:1.95-bookworm

FROM ${BUILDER_IMAGE} AS builder
# goose's TLS library is C and is built with cmake.
RUN apt-get update && apt-get install --yes --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# A static binary needs no base image. Position-independent, so that address randomisation stays.
ENV RUSTFLAGS="-C target-feature=+crt-static" CARGO_INCREMENTAL=0
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    target="$(rustc -vV | sed -n 's/^host: //p')" \
    && cargo build --release --locked --target "$target" \
    && mkdir -p /out \
    && cp "target/$target/release/fib-server" "target/$target/release/fib-loadgen" "target/$target/release/hpa-check" /out/

FROM scratch AS base
COPY LICENSE-MIT LICENSE-APACHE /licenses/
COPY licenses/ /licenses/
USER 65532:65532
LABEL org.opencontainers.image.licenses="(MIT OR Apache-2.0) AND LGPL-3.0-only"

FROM base AS fib-loadgen
COPY --from=builder /out/fib-loadgen /fib-loadgen
LABEL org.opencontainers.image.title="fib-loadgen"
ENTRYPOINT ["/fib-loadgen"]

FROM base AS hpa-check
COPY --from=builder /out/hpa-check /hpa-check
LABEL org.opencontainers.image.title="hpa-check"
ENTRYPOINT ["/hpa-check"]

FROM base AS fib-server
COPY --from=builder /out/fib-server /fib-server
LABEL org.opencontainers.image.title="fib-server"
EXPOSE 8080 9090
ENTRYPOINT ["/fib-server"]
