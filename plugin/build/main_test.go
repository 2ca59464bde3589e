package main

import (
	"os"
	"strings"
	"testing"
)

func TestManifest_of_the_plugin_becomes_its_PluginManifest(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "0")
	text, err := os.ReadFile("../manifest.toml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseManifest(text)
	if err != nil {
		t.Fatal(err)
	}
	code, err := m.generate()
	if err != nil {
		t.Fatal(err)
	}
	unspaced := strings.Join(strings.Fields(string(code)), " ")
	for _, part := range []string{"managerplugin.ObjStoreManifest{", "Kind: managerplugin.ObjStore,", `Name: "scabbard",`,
		"OnInit: OnInit,", "OnShutdown: OnShutdown,", "Constructor: Open,", `BuildTime: "1970-01-01T00:00:00Z",`} {
		if !strings.Contains(unspaced, part) {
			t.Errorf("no %s in\n%s", part, code)
		}
	}
}

func TestManifest_that_cannot_be_read_whole_is_refused(t *testing.T) {
	const good = "name = \"a\"\nkind = \"ObjStore\"\nexport = [\n{extPoint=\"Constructor\", impl=\"Open\"},\n]\n"
	if _, err := parseManifest([]byte(good)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "name = \"a\"\n", good + "color = \"red\"\n", good + "onInit = OnInit\n", good + "[table]\n",
		good + "name = \"a\\q\"\n"} {
		if _, err := parseManifest([]byte(bad)); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}
