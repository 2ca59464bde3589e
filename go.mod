module scabbard

go 1.24.1

require (
	github.com/BurntSushi/toml v1.5.0
	github.com/ipfs-force-community/damocles/manager-plugin v0.0.0-20231108073455-ac8eebc7d237
)
