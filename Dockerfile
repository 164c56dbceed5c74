# Two images. `agent` is the agent (docs/running.md): a static program, the certificates of the authorities that it trusts, and two
# folders to write into. `files` is what unpacks config files inside tasks (docs/files.md): one static program and nothing else.
#
#     docker build --target agent --build-arg ARCH=amd64 -t gitops-agent .         # takes 8 GB of memory
#     docker build --target files --build-arg ARCH=amd64 -t gitops-agent-files .
#     docker build --target files --build-arg ARCH=arm64 -t gitops-agent-files .   # on arm64, or with QEMU (slow)
#
# The stages run on the architecture that is asked for, so there is no cross compiler: aws-lc wants a C compiler for its target.
ARG ARCH=amd64

FROM --platform=linux/${ARCH} docker.io/library/rust:1.95-alpine AS build-files
RUN apk add --no-cache cmake gcc make musl-dev perl
WORKDIR /src
COPY . .
# Alpine's target is musl, and Rust links that statically.
RUN cargo build --locked -p agent-files --profile files \
 && mv target/files/agent-files /agent-files \
 && ! readelf -d /agent-files | grep NEEDED

FROM --platform=linux/${ARCH} scratch AS files
COPY --from=build-files /agent-files /agent-files
ENTRYPOINT ["/agent-files"]

FROM --platform=linux/${ARCH} docker.io/library/rust:1.95-alpine AS build-agent
RUN apk add --no-cache ca-certificates cmake g++ gcc linux-headers make musl-dev perl
WORKDIR /src
COPY . .
RUN cargo build --locked -p agent --release \
 && ! readelf -d target/release/agent | grep NEEDED
# What is there besides: whatever else the agent writes it writes to AWS.
RUN mkdir -p /image/etc/ssl/certs /image/tmp /image/var/cache/gitops-agent \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && cp target/release/agent /image/agent \
 && chmod 1777 /image/tmp \
 && chown 65532:65532 /image/var/cache/gitops-agent

# The last one, so that it is what `docker build .` makes.
FROM --platform=linux/${ARCH} scratch AS agent
COPY --from=build-agent /image /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
# Amazon ECS has its own in the task definition.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["/agent", "healthcheck"]
ENTRYPOINT ["/agent"]
CMD ["run"]
