# The image that unpacks config files inside tasks (docs/files.md): one static program and nothing else.
#
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
