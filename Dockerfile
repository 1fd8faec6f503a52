# syntax=docker/dockerfile:1
# One build, three images: static binaries, license texts, and root certificates for the two tools:
#   docker build --target fib-server -t fib-server .
# For both architectures from one machine, by cross-compiling:
#   docker buildx build --platform linux/amd64,linux/arm64 --target fib-server .
# k8s/image/assemble reads the stages from `base` on, and builds the same images without a container engine.
ARG BUILDER_IMAGE=docker.io/library/rust:1.95-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1

FROM --platform=$BUILDPLATFORM ${BUILDER_IMAGE} AS chef
ARG BUILDARCH
# The other architecture's compiler links, and builds the C and assembly code in the TLS library.
# hadolint ignore=DL3008,SC2086
RUN case "$BUILDARCH" in \
        amd64) cross="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;; \
        arm64) cross="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;; \
        *) exit 1 ;; \
    esac \
    && apt-get update \
    && apt-get install --yes --no-install-recommends cmake $cross \
    && rm -rf /var/lib/apt/lists/* \
    && cargo install cargo-chef --version 0.1.78 --locked
WORKDIR /src

# Only the dependencies, without our code, so that the next stage is cached until they change.
FROM chef AS planner
COPY . .
RUN cargo chef prepare --recipe-path /recipe.json

FROM chef AS builder
ARG TARGETARCH
# A static binary needs no base image. Position-independent, to keep address space layout randomization.
ENV RUSTFLAGS="-C target-feature=+crt-static --remap-path-prefix=/src=/src --remap-path-prefix=/usr/local/cargo=/cargo" \
    CARGO_INCREMENTAL=0 \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc \
    CC_x86_64_unknown_linux_gnu=x86_64-linux-gnu-gcc
COPY rust-toolchain.toml ./
RUN case "$TARGETARCH" in amd64) arch=x86_64 ;; arm64) arch=aarch64 ;; *) exit 1 ;; esac \
    && echo "$arch-unknown-linux-gnu" >/triple \
    && rustup target add "$(cat /triple)"
COPY --from=planner /recipe.json /recipe.json
RUN cargo chef cook --release --locked --target "$(cat /triple)" --recipe-path /recipe.json
COPY . .
RUN cargo build --release --locked --target "$(cat /triple)" \
    && mkdir /out \
    && for program in fib-server fib-loadgen hpa-check; do \
        cp "target/$(cat /triple)/release/$program" /out/ || exit 1; \
    done

FROM scratch AS base
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
COPY LICENSE-MIT LICENSE-APACHE /licenses/
COPY licenses/ /licenses/
USER 65532:65532
LABEL org.opencontainers.image.licenses="(MIT OR Apache-2.0) AND LGPL-3.0-only" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}"

FROM base AS fib-loadgen
COPY --from=builder /out/fib-loadgen /fib-loadgen
# The HTTPS client needs root certificates to start, even for a target without TLS. They are Mozilla's, under the MPL-2.0,
# whose text is with the others.
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
LABEL org.opencontainers.image.title="fib-loadgen" \
    org.opencontainers.image.licenses="(MIT OR Apache-2.0) AND LGPL-3.0-only AND MPL-2.0" \
    org.opencontainers.image.description="Loads a Fibonacci service and proves every answer"
ENTRYPOINT ["/fib-loadgen"]

# With fib-loadgen, which it starts from the same directory.
FROM base AS hpa-check
COPY --from=builder /out/hpa-check /out/fib-loadgen /
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
LABEL org.opencontainers.image.title="hpa-check" \
    org.opencontainers.image.licenses="(MIT OR Apache-2.0) AND LGPL-3.0-only AND MPL-2.0" \
    org.opencontainers.image.description="Proves that a HorizontalPodAutoscaler does what it is configured to do"
ENTRYPOINT ["/hpa-check"]

FROM base AS fib-server
COPY --from=builder /out/fib-server /fib-server
LABEL org.opencontainers.image.title="fib-server" \
    org.opencontainers.image.description="Computes Fibonacci numbers over HTTP, with adjustable CPU cost"
EXPOSE 8080 9090
ENTRYPOINT ["/fib-server"]
