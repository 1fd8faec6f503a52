module hpa-check/e2e/application

go 1.24
