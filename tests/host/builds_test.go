package host

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var buildID = regexp.MustCompile(`buildID = "([^"]+)"`)

// otherBuild is a copy of all that plugins are made of, to be changed: plugins of one folder share their Go
// packages, the folder being part of what Go compares.
type otherBuild struct {
	folder string
	id     string // of the core
}

func newOtherBuild(t *testing.T, b build) otherBuild {
	t.Helper()
	o := otherBuild{folder: tempFolder(t)}
	run(t, b.command("cp", "-r", "go.mod", "go.sum", "shim", "include", "plugin", o.folder))
	run(t, b.command("mkdir", o.folder+"/build"))
	run(t, b.command("cp", "build/libscabbard_plugin.a", o.folder+"/build"))
	match := buildID.FindSubmatch(o.read(t, "plugin/build_id.go"))
	if match == nil {
		t.Fatal("no build id in plugin/build_id.go")
	}
	o.id = string(match[1])
	return o
}

func (o otherBuild) read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.folder, file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// replace puts something as long in the place of every old in a file.
func (o otherBuild) replace(t *testing.T, file, old, new string) {
	t.Helper()
	before := o.read(t, file)
	after := bytes.ReplaceAll(before, []byte(old), []byte(new))
	if bytes.Equal(before, after) || len(old) != len(new) {
		t.Fatalf("nothing to replace in %s, or by another length", file)
	}
	if err := os.WriteFile(filepath.Join(o.folder, file), after, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (o otherBuild) plugin(t *testing.T, b build, source, into string) {
	t.Helper()
	output := tempFolder(t)
	command := b.command("go", "run", "./plugin/build", "--src-dir="+source, "--out-dir="+output)
	command.Dir = o.folder
	run(t, command)
	built, err := filepath.Glob(output + "/*.so")
	if err != nil || len(built) != 1 {
		t.Fatal(built, err)
	}
	run(t, b.command("mv", built[0], into))
}

// The files' names give the order in which the host loads them.
func TestMix_of_two_cores_is_refused_by_OnInit_which_names_both(t *testing.T) {
	b := builds(t)[0]
	other := newOtherBuild(t, b)
	host := b.host(t, "build", example)
	plugins := tempFolder(t)
	other.plugin(t, b, "plugin", plugins+"/1.so")
	anotherID := other.id[:len(other.id)-8] + "deadbeef"
	other.replace(t, "build/libscabbard_plugin.a", other.id, anotherID)
	other.replace(t, "plugin/fsstore/build_id.go", other.id, anotherID)
	other.plugin(t, b, "plugin/fsstore", plugins+"/2.so")

	output := run(t, b.command(host, "-plugins", plugins)) // the first plugin goes on working
	refusal := fmt.Sprintf("built for core %s but runs with core %s", anotherID, other.id)
	if !strings.Contains(output, "disabled") || !strings.Contains(output, "plugin fsstore") || !strings.Contains(output, refusal) {
		t.Errorf("no %q in\n%s", refusal, output)
	}

	// Alone it is as good as any.
	run(t, b.command("mv", plugins+"/1.so", tempFolder(t)))
	alone, _ := b.command(host, "-plugins", plugins).CombinedOutput()
	if strings.Contains(string(alone), "disabled") {
		t.Errorf("alone:\n%s", alone)
	}
}

func TestMix_of_two_shims_is_refused_by_the_loader(t *testing.T) {
	b := builds(t)[0]
	other := newOtherBuild(t, b)
	plugins := tempFolder(t)
	other.plugin(t, b, "plugin", plugins+"/1.so")
	other.replace(t, "shim/error.go", "RequestID", "RequestNo") // seen by who imports the package, and so by the loader
	other.plugin(t, b, "plugin/fsstore", plugins+"/2.so")
	output, err := b.command(b.host(t, "build", example), "-plugins", plugins).CombinedOutput()
	if err == nil || !strings.Contains(string(output), "plugin was built with a different version of package scabbard/shim") {
		t.Errorf("%v\n%s", err, output)
	}
}
