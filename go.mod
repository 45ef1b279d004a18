module quay-keyless

go 1.26.0
