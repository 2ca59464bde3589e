package suite

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

func TestWrong_configuration_is_refused_with_its_reason(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, folder+"/file", "x")
	writeFile(t, folder+"/malformed/sectorstore.json", `{"Name": "a",`)
	writeFile(t, folder+"/no-object/sectorstore.json", `[]`)
	for _, test := range []struct {
		name   string
		config objstore.Config
		is     []error  // may be nil
		says   []string // parts of the message
	}{
		{"no_path", objstore.Config{}, []error{fs.ErrInvalid}, []string{"Path"}},
		{"missing", objstore.Config{Path: folder + "/missing"}, []error{fs.ErrNotExist}, []string{folder + "/missing"}},
		{"a_file", objstore.Config{Path: folder + "/file"}, nil, []string{folder + "/file", "not a folder"}},
		{"NUL_in_path", objstore.Config{Path: folder + "\x00"}, []error{fs.ErrInvalid}, nil},
		{"path_that_is_no_text", objstore.Config{Path: folder + "\xff"}, []error{fs.ErrInvalid}, nil},
		{"unknown_option", objstore.Config{Path: folder, Meta: map[string]string{"Timeuot": "1m"}},
			[]error{fs.ErrInvalid}, []string{"Timeuot", "Timeout"}},
		{"malformed_option", objstore.Config{Path: folder, Meta: map[string]string{"Timeout": "soon"}},
			[]error{fs.ErrInvalid}, []string{"Timeout", "30s"}},
		{"malformed_sectorstore", objstore.Config{Path: folder + "/malformed"}, []error{fs.ErrInvalid}, []string{"sectorstore.json"}},
		{"sectorstore_that_is_no_object", objstore.Config{Path: folder + "/no-object"}, []error{fs.ErrInvalid}, []string{"sectorstore.json"}},
		{"unknown_scheme", objstore.Config{Path: "gopher://host/x"}, nil, []string{"gopher"}},
		{"URL_of_a_missing_folder", objstore.Config{Path: "file://" + folder + "/missing"}, []error{fs.ErrNotExist}, nil},
		{"URL_with_a_host", objstore.Config{Path: "file://host" + folder}, nil, []string{"host"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, err := manifest.Constructor(test.config)
			mustBe(t, "open", err, test.is...)
			if store != nil {
				t.Errorf("gave %T as well", store)
			}
			for _, part := range test.says {
				if err != nil && !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not mention %q", err, part)
				}
			}
			t.Log(err)
		})
	}
}

func TestStore_is_called_by_its_name_or_else_by_its_absolute_path(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	if err := os.Mkdir("store", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, path, want string }{
		{"", "store", folder + "/store"},
		{"", "./store/../store", folder + "/store"},
		{"", folder + "/store", folder + "/store"},
		{"store-1", "store", "store-1"},
		{" Ünusual\n\"name\" ", "store", " Ünusual\n\"name\" "},
	} {
		store := open(t, objstore.Config{Name: test.name, Path: test.path, Weight: 3, Strict: true})
		config := store.InstanceConfig(bg)
		if store.Instance(bg) != test.want || config.Name != test.want {
			t.Errorf("%q, %q: instance %q, name %q", test.name, test.path, store.Instance(bg), config.Name)
		}
		if config.Path != folder+"/store" || config.Weight != 3 || !config.Strict {
			t.Errorf("%+v", config)
		}
	}
}

func TestRead_only_store_can_be_read_and_nothing_else(t *testing.T) {
	folder := t.TempDir()
	put(t, open(t, objstore.Config{Path: folder}), "object", content(10))
	source := filepath.Join(t.TempDir(), "source")
	writeFile(t, source, "x")
	file, err := os.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()

	store := open(t, objstore.Config{Path: folder, ReadOnly: true})
	mustHold(t, store, "object", content(10))
	mustBe(t, "del", store.Del(bg, "object"), objstore.ErrReadOnlyStore)
	_, err = store.Put(bg, "object", strings.NewReader("x"))
	mustBe(t, "put", err, objstore.ErrReadOnlyStore)
	_, err = store.Put(bg, "new", file)
	mustBe(t, "put file", err, objstore.ErrReadOnlyStore)
	mustHold(t, store, "object", content(10))
	mustBeMissing(t, store, "new")
	if !store.InstanceConfig(bg).ReadOnly {
		t.Error("the configuration says writable")
	}
}

// again prepares this very test to run in another process, which finds value in the environment.
func again(t *testing.T, variable, value string) *exec.Cmd {
	t.Helper()
	absolute, err := filepath.Abs(*plugins)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("/proc/self/exe", "-plugins", absolute, "-test.run", "^"+t.Name()+"$")
	command.Env = append(os.Environ(), variable+"="+value)
	command.Dir = "/"
	return command
}

func TestLeftovers_of_a_dead_writer_are_swept_when_the_store_is_opened(t *testing.T) {
	const variable = "SCABBARD_TEST_DIE_IN"
	if folder := os.Getenv(variable); folder != "" {
		reads := 0
		open(t, objstore.Config{Path: folder}).Put(bg, "folder/object", readerFunc(func(p []byte) (int, error) {
			if reads++; reads == 5 {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			return len(p), nil
		}))
		t.Fatal("still alive")
	}

	folder := t.TempDir()
	if output, err := again(t, variable, folder).CombinedOutput(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("%v\n%s", err, output)
	}
	if len(temporaries(t, folder)) == 0 {
		t.Fatal("the writer that was killed left nothing: this test shows nothing")
	}
	open(t, objstore.Config{Path: folder, ReadOnly: true})
	store := open(t, objstore.Config{Path: folder})
	for limit := time.Now().Add(10 * time.Second); len(temporaries(t, folder)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("still there: %v", temporaries(t, folder))
		}
	}
	mustBeMissing(t, store, "folder/object")
}

func TestFolder_without_permission_is_refused(t *testing.T) {
	const variable = "SCABBARD_TEST_AS_NOBODY_IN"
	folder := os.Getenv(variable)
	if folder == "" {
		folder = t.TempDir()
		for _, name := range []string{"closed", "open"} {
			writeFile(t, folder+"/"+name+"/object", "x")
		}
		if err := errors.Join(os.Chmod(folder+"/closed", 0), os.Chmod(folder+"/open/object", 0)); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(folder+"/closed", 0o755)
		if os.Getuid() == 0 { // root may do everything: again as somebody who may not
			for above := folder; above != filepath.Clean(os.TempDir()) && above != "/"; above = filepath.Dir(above) {
				if err := os.Chmod(above, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			command := again(t, variable, folder)
			command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			if output, err := command.CombinedOutput(); err != nil {
				t.Errorf("as nobody: %v\n%s", err, output)
			}
			return
		}
	}
	_, err := manifest.Constructor(objstore.Config{Path: folder + "/closed"})
	mustBe(t, "open", err, fs.ErrPermission, syscall.EACCES)
	store := open(t, objstore.Config{Path: folder + "/open", ReadOnly: true})
	_, err = store.Get(bg, "object")
	mustBe(t, "get", err, fs.ErrPermission, syscall.EACCES)
	if errors.Is(err, objstore.ErrObjectNotFound) {
		t.Error("an object that may not be read counts as missing")
	}
}
