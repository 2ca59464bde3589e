package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sources are the plugins' folders, and what the manifests in them call the plugins.
var sources = map[string]string{"plugin": "scabbard", "plugin/fsstore": "fsstore"}

// generated is what damocles' own builder writes beside the plugin's sources, and deletes again.
func generated(t *testing.T, source string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", source, "manifest.toml"))
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
	return code
}

func TestManifest_of_a_plugin_becomes_its_PluginManifest(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "0")
	for source, name := range sources {
		code := generated(t, source)
		unspaced := strings.Join(strings.Fields(string(code)), " ")
		for _, part := range []string{"managerplugin.ObjStoreManifest{", "Kind: managerplugin.ObjStore,", `Name: "` + name + `",`,
			"OnInit: OnInit,", "OnShutdown: OnShutdown,", "Constructor: Open,", `BuildTime: "1970-01-01T00:00:00Z",`} {
			if !strings.Contains(unspaced, part) {
				t.Errorf("no %s in\n%s", part, code)
			}
		}
	}
}

// The way of damocles' builder: the generated file lies on disk, and no flags are added. It is done in a copy
// of the sources, because it writes into them.
func TestPlain_go_build_with_the_generated_file_makes_a_plugin_that_loads(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	for _, part := range []string{"go.mod", "go.sum", "shim", "include", "plugin"} {
		run(t, root, "cp", "-r", part, copied)
	}
	if err := os.Symlink(filepath.Join(root, "build"), filepath.Join(copied, "build")); err != nil {
		t.Fatal(err)
	}
	plugins := t.TempDir()
	for source, name := range sources {
		file := filepath.Join(copied, source, filepath.Base(source)+".gen.go")
		if err := os.WriteFile(file, generated(t, source), 0o644); err != nil {
			t.Fatal(err)
		}
		run(t, copied, "go", "build", "-buildmode=plugin", "-o", filepath.Join(plugins, "plugin-"+name+".so"), "./"+source)
	}
	run(t, root, "go", "run", "./examples/manager-host", "-plugins", plugins)
}

func run(t *testing.T, folder, name string, arguments ...string) {
	t.Helper()
	command := exec.Command(name, arguments...)
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, output)
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
