package host

import (
	"debug/elf"
	"encoding/binary"
	"regexp"
	"strings"
	"testing"
)

// Names that a plugin may show to the process it is loaded into, beside the core's scb_*. No name in C has
// the dot, slash or colon that all of Go's own packages and types have.
var (
	goName  = regexp.MustCompile(`[./:]`)
	cgoName = regexp.MustCompile(`^(_cgo_|x_cgo_|x?_?crosscall|fatalf$|expandAVX512)`)
	foreign = regexp.MustCompile(`(?i)^_Z|curl|ssl|crypto_|fmt::|spdlog|nlohmann`)
)

// checkSymbols fails the test when the plugin could meet another library in the manager's process: by a
// name that it exports, or by a scb_* of its own that another plugin could define first.
func checkSymbols(t *testing.T, plugin string) {
	t.Helper()
	file, err := elf.Open(plugin)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	core := 0
	for _, symbol := range symbols {
		name := symbol.Name
		switch {
		case symbol.Section == elf.SHN_UNDEF:
		case strings.HasPrefix(name, "scb_"):
			core++
		case cgoName.MatchString(name):
		case goName.MatchString(name) && !strings.HasPrefix(name, "_Z"):
		default:
			t.Errorf("exports %s", name)
		}
		if symbol.Section != elf.SHN_UNDEF && !goName.MatchString(name) && foreign.MatchString(name) {
			t.Errorf("exports %s, another library's", name)
		}
	}
	if core == 0 {
		t.Error("exports no scb_*: this is not the plugin")
	}
	for _, name := range relocated(t, file, symbols) {
		if strings.HasPrefix(name, "scb_") {
			t.Errorf("%s is bound when the plugin is loaded, not when it is linked", name)
		}
	}
}

// relocated lists the symbols that the dynamic linker looks up by name. 64-bit ELF.
func relocated(t *testing.T, file *elf.File, symbols []elf.Symbol) []string {
	var names []string
	for _, section := range file.Sections {
		if section.Type != elf.SHT_RELA {
			continue
		}
		data, err := section.Data()
		if err != nil {
			t.Fatal(err)
		}
		for ; len(data) >= 24; data = data[24:] { // offset, info, addend
			if index := binary.LittleEndian.Uint64(data[8:]) >> 32; index > 0 {
				names = append(names, symbols[index-1].Name)
			}
		}
	}
	return names
}
