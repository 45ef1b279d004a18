# The images of quay-keyless. Target cli: the program alone, for Tekton, for
# plain Kubernetes and for `podman run`.
#
# The program is not compiled here: it is copied from dist/, where the release
# puts its binaries, so that the image, the GitHub Action and a download all
# have the same bytes and one checksum covers them. For an image of your own:
#
#   CGO_ENABLED=0 go build -trimpath -o dist/quay-keyless-linux-amd64 ./cmd/quay-keyless
#   podman build --target cli --tag quay-keyless .
#
# Nothing runs during the build, so any machine builds for any platform:
# --platform linux/amd64,linux/arm64,linux/s390x,linux/ppc64le

# Any image with a CA bundle in /etc/ssl/certs/ca-certificates.crt.
ARG CERTIFICATES=gcr.io/distroless/static-debian12:nonroot
FROM ${CERTIFICATES} AS certificates

FROM scratch AS cli
ARG TARGETARCH
ARG VERSION=unreleased
LABEL org.opencontainers.image.title="quay-keyless" \
      org.opencontainers.image.description="Log a CI job in to Quay without a stored password" \
      org.opencontainers.image.source="https://github.com/OWNER/quay-keyless" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=certificates /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --chmod=0755 dist/quay-keyless-linux-${TARGETARCH} /usr/local/bin/quay-keyless
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/quay-keyless"]
