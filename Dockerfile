# SPDX-License-Identifier: Apache-2.0
# The images of quay-keyless.
#
#   cli     the program alone, for Tekton, for plain Kubernetes and `podman run`
#   gitlab  the program, a shell, buildah and skopeo, for GitLab CI's jobs
#
# The program is not compiled here: it is copied from dist/, where the release
# puts its binaries, so that the image, the GitHub Action and a download all
# have the same bytes and one checksum covers them. For an image of your own:
#
#   CGO_ENABLED=0 go build -trimpath -o dist/quay-keyless-linux-amd64 ./cmd/quay-keyless
#   podman build --target cli --tag quay-keyless .
#
# Nothing runs while cli is built, so any machine builds it for any platform:
# --platform linux/amd64,linux/arm64,linux/s390x,linux/ppc64le
# For gitlab a machine of another CPU needs an emulator.

# A release replaces both tags with the digests in internal/release/bases.Dockerfile.
# Any image with a CA bundle in /etc/ssl/certs/ca-certificates.crt.
ARG CERTIFICATES=gcr.io/distroless/static-debian12:nonroot
# A Debian. One that has the packages already is taken as it is.
ARG DEBIAN=docker.io/library/debian:bookworm-slim
ARG PACKAGES="bash buildah ca-certificates libcap2-bin skopeo uidmap"

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

FROM ${DEBIAN} AS gitlab
ARG PACKAGES
# Seconds since 1970 in the place of today, for what keeps a day in its text.
ARG TIME
RUN set -eu; \
    if ! dpkg-query --show ${PACKAGES} >/dev/null; then \
        apt-get update; \
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ${PACKAGES}; \
        apt-get clean; \
        rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log; \
    fi; \
    # With capabilities of their own they work in containers without CAP_SYS_ADMIN.
    chmod u-s /usr/bin/newuidmap /usr/bin/newgidmap; \
    setcap cap_setuid=ep /usr/bin/newuidmap; \
    setcap cap_setgid=ep /usr/bin/newgidmap; \
    env ${TIME:+SOURCE_DATE_EPOCH=$TIME} useradd --create-home --uid 1000 --shell /bin/bash build; \
    # All users that a container has, but for build itself.
    printf 'build:1:999\nbuild:1001:64535\n' | tee /etc/subuid >/etc/subgid; \
    # For root, and for others. Where no user but build's can be had, it owns all
    # files of an image.
    printf '[storage]\ndriver = "vfs"\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/containers/storage"\n' >/etc/containers/storage.conf; \
    mkdir -p /home/build/.config/containers; \
    printf '[storage]\ndriver = "vfs"\n[storage.options.vfs]\nignore_chown_errors = "true"\n' >/home/build/.config/containers/storage.conf; \
    chown -R build:0 /home/build; \
    chmod -R g=u /home/build; \
    ln -s quay-keyless /usr/local/bin/docker-credential-quay-keyless
# What needs no privileges: no mounts, no container runtime. And the home folder
# for users without a name, whose home would be where the container starts.
ENV BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs HOME=/home/build
ARG TARGETARCH
ARG VERSION=unreleased
LABEL org.opencontainers.image.title="quay-keyless-gitlab" \
      org.opencontainers.image.description="Build images in a GitLab CI job and push them to Quay without a stored password" \
      org.opencontainers.image.source="https://github.com/OWNER/quay-keyless" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --chmod=0755 dist/quay-keyless-linux-${TARGETARCH} /usr/local/bin/quay-keyless
USER 1000:1000
WORKDIR /home/build
# GitLab's runner starts a shell of its own.
CMD ["/bin/bash"]
