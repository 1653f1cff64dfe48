module github.com/verifyd/verifyd/bench/mumax

go 1.26.8

require (
	github.com/mumax/3 v0.0.0-20261020084628-54efa12420b2
	github.com/verifyd/verifyd v0.0.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace github.com/verifyd/verifyd => ../..
