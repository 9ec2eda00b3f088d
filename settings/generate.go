package settings

//go:generate go test -run TestGeneratedPagesAreFresh . -update
