// Package host tests the plugin as damocles meets it: built by a Go toolchain, opened by
// managerplugin.Load in another process.
//
//	go test ./tests/host          every toolchain and set of flags
//	go test -short ./tests/host   the local toolchain, plain flags
//
// It needs the core's archive, build/libscabbard_plugin.a, the executable, build/scabbard, and build/servers/versitygw.
package host

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const root = "../.." // of the project

// lookAtInputs opens everything that the tests build, which happens in other processes: `go test` notices
// what a test itself looks at, and then knows when a cached result is out of date.
var lookAtInputs = sync.OnceFunc(func() {
	for _, folder := range []string{"shim", "plugin", "tests/host/suite", "tests/transfer", "tests/post", "tests/procfs", "examples/manager-host", "build/libscabbard_plugin.a", "build/scabbard", "build/servers", "tests/bench/s3/nginx.conf"} {
		filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, _ error) error {
			os.Stat(path)
			return nil
		})
	}
})

// manager is the toolchain that damocles-manager's go.mod asks for.
const manager = "go1.24.1"

// build is one way to build a plugin and its host; they load only what was built the same way.
type build struct {
	toolchain string
	flags     []string
}

func (b build) String() string { return b.toolchain + strings.Join(b.flags, "") }

// command runs in the project's root with b's toolchain. The fixed build time makes a second build of the
// same sources cost nothing.
func (b build) command(name string, args ...string) *exec.Cmd {
	lookAtInputs()
	command := exec.Command(name, args...)
	command.Dir = root
	command.Env = append(os.Environ(), "GOTOOLCHAIN="+b.toolchain, "CGO_ENABLED=1", "SOURCE_DATE_EPOCH=0")
	return command
}

func run(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command.Args, " "), err, output)
	}
	return string(output)
}

// sources are the plugins' folders.
var sources = []string{"plugin", "plugin/fsstore"}

// plugins builds both and returns the folder that they are alone in.
func (b build) plugins(t *testing.T) string {
	t.Helper()
	folder := tempFolder(t)
	for _, source := range sources {
		b.plugin(t, source, folder)
	}
	return folder
}

func (b build) plugin(t *testing.T, source, folder string) {
	t.Helper()
	run(t, b.command("go", append([]string{"run", "./plugin/build", "--src-dir=" + source, "--out-dir=" + folder, "--"}, b.flags...)...))
}

// host builds one of the programs that load plugins.
func (b build) host(t *testing.T, what, source string) string {
	t.Helper()
	program := filepath.Join(tempFolder(t), "host")
	args := append(strings.Fields(what), b.flags...)
	run(t, b.command("go", append(args, "-o", program, source)...))
	return program
}

const (
	suite   = "./tests/host/suite"
	example = "./examples/manager-host"
)

// tempFolder is one that another user can enter as well: the suite has a test that runs as nobody.
func tempFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "scabbard-host-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// builds are the ways that are tested.
func builds(t *testing.T) []build {
	local := strings.TrimSpace(run(t, build{toolchain: "local"}.command("go", "env", "GOVERSION")))
	if testing.Short() {
		return []build{{local, nil}}
	}
	toolchains := []string{local}
	if local != manager {
		if output, err := (build{toolchain: manager}).command("go", "version").CombinedOutput(); err != nil {
			t.Fatalf("%s, the manager's Go, cannot be had (-short does without): %v: %s", manager, err, output)
		}
		toolchains = append(toolchains, manager)
	}
	var all []build
	for _, toolchain := range toolchains {
		all = append(all, build{toolchain, nil}, build{toolchain, []string{"-trimpath"}})
	}
	return all
}

func TestPlugin_serves_a_host_that_was_built_alike(t *testing.T) {
	for _, b := range builds(t) {
		t.Run(b.String(), func(t *testing.T) {
			plugins := b.plugins(t)
			for _, plugin := range []string{"plugin-scabbard.so", "plugin-fsstore.so"} {
				checkSymbols(t, filepath.Join(plugins, plugin))
			}
			t.Log(run(t, b.command(b.host(t, "build", example), "-plugins", plugins)))
			args := []string{"-plugins", plugins}
			if testing.Verbose() {
				args = append(args, "-test.v")
			}
			t.Log(run(t, b.command(b.host(t, "test -c", suite), args...)))
		})
	}
}

// The worker's side with the parent that it has, which is Rust: `make extproc` builds it.
func TestWorker_stores_what_the_manager_reads(t *testing.T) {
	worker := os.Getenv("SCABBARD_WORKER")
	if worker == "" {
		t.Skip("SCABBARD_WORKER is not set: `make extproc` does that")
	}
	b := build{toolchain: "local"}
	t.Log(run(t, b.command(b.host(t, "test -c", suite), "-plugins", b.plugins(t), "-worker", worker,
		"-test.v", "-test.timeout=40m", "-test.run=^Test(Sector|Transfer|Persist)")))
}

// The provers with the same parent, and the real filecoin-proofs: `make proofs` builds both.
func TestProofs_of_sectors_in_stores(t *testing.T) {
	worker, oracle := os.Getenv("SCABBARD_WORKER"), os.Getenv("SCABBARD_ORACLE")
	if worker == "" || oracle == "" {
		t.Skip("SCABBARD_WORKER and SCABBARD_ORACLE are not set: `make proofs` does that")
	}
	b := build{toolchain: "local"}
	t.Log(run(t, b.command(b.host(t, "test -c", suite), "-plugins", b.plugins(t), "-worker", worker, "-oracle", oracle,
		"-test.v", "-test.timeout=40m", "-test.run=^TestProver")))
}

// The messages that docs/operations.md explains: the loader's error, and, where the two releases of Go are
// so far apart that the loader does not even recognise the plugin, the end of the host.
var differently = regexp.MustCompile(`plugin was built with a different version of package \S+|` +
	`fatal error: runtime: no plugin module data`)

func TestPlugin_that_was_built_differently_is_not_loaded(t *testing.T) {
	all := builds(t)
	if len(all) == 1 {
		t.Skip("only one build")
	}
	host := all[0].host(t, "build", example)
	for _, b := range all[1:] {
		output, err := b.command(host, "-plugins", b.plugins(t)).CombinedOutput()
		message := differently.Find(output)
		if err == nil || message == nil {
			t.Errorf("plugin %s, host %s: %v\n%s", b, all[0], err, output)
		}
		t.Logf("plugin %s, host %s: %s", b, all[0], message)
	}
}

func TestShim_imports_the_standard_library_and_manager_plugin_only(t *testing.T) {
	const upstream = "github.com/ipfs-force-community/damocles/manager-plugin"
	allowed := []string{"scabbard/shim", "scabbard/plugin", "scabbard/plugin/fsstore", upstream, upstream + "/objstore", upstream + "/kvstore"}
	output := run(t, build{toolchain: "local"}.command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./plugin", "./plugin/fsstore"))
	found := strings.Fields(output)
	for _, dependency := range found {
		if !slices.Contains(allowed, dependency) {
			t.Errorf("the plugin imports %s", dependency)
		}
	}
	if !slices.Contains(found, "scabbard/shim") {
		t.Errorf("found only %v", found)
	}
}

func TestShim_is_the_only_package_with_cgo(t *testing.T) {
	output := run(t, build{toolchain: "local"}.command("go", "list", "-f", "{{if .CgoFiles}}{{.ImportPath}}{{end}}", "./..."))
	if got := strings.Fields(output); !slices.Equal(got, []string{"scabbard/shim"}) {
		t.Errorf("cgo in %v", got)
	}
}
