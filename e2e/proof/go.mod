module hpa-check/e2e/proof

go 1.26.0
