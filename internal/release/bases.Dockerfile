# SPDX-License-Identifier: Apache-2.0
# The base images, by digest. images.sh hands the first two to the Dockerfile as
# build arguments; ci.yml runs the tests in the third. They stand here and not in
# the Dockerfile because Dependabot updates FROM lines but no build arguments.
FROM gcr.io/distroless/static-debian12:nonroot@sha256:afa5c872c891853ca7fcf1f12c3edb23f7eeef36189728842dd51042ff57f7ab AS certificates
FROM docker.io/library/debian:bookworm-slim@sha256:88200866dfff7ea7f5cbcb6ec7c8a701889efe6fe859fe64d6990e4b07ea4171 AS debian
FROM docker.io/library/debian:12@sha256:813017f3d62be4b5891a7acca6a01bdcd4b8513daa81b1ab99d3a50385b26931 AS ci
