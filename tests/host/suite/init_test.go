package suite

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	managerplugin "github.com/ipfs-force-community/damocles/manager-plugin"
	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// sectorStoreJSON has the fields of damocles' type of this name in damocles-manager/modules/config.go. That module
// builds only in its own tree, with filecoin-ffi as a submodule, and cannot be imported. objstore.Config, in which
// Name, Path, Meta, Strict, ReadOnly and Weight are, is the manager's own type.
type sectorStoreJSON struct {
	ID string
	objstore.Config
	AllowMiners []uint64 // abi.ActorID
	DenyMiners  []uint64
	Plugin      string // of damocles 0.5
	PluginName  string
}

// read decodes a store folder's file as the manager does, and fails where the manager would ignore something.
func (s *sectorStoreJSON) read(t *testing.T, folder string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "sectorstore.json"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(s); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if decoder.More() {
		t.Fatalf("more than one value in\n%s", text)
	}
	// encoding/json takes keys of any case; the worker, in Rust, does not.
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	for key := range keys {
		if _, is := reflect.TypeFor[sectorStoreJSON]().FieldByName(key); !is {
			t.Errorf("key %s is spelled otherwise by damocles", key)
		}
	}
}

// scan finds stores as ScanPersistStores in damocles-manager/modules/config_util.go does.
func scan(t *testing.T, patterns []string) []sectorStoreJSON {
	t.Helper()
	var stores []sectorStoreJSON
	for _, pattern := range patterns {
		matches, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		for _, path := range matches {
			if _, err := os.Stat(filepath.Join(path, "sectorstore.json")); os.IsNotExist(err) {
				continue
			}
			var store sectorStoreJSON
			store.read(t, path)
			if store.Name == "" {
				store.Name = store.ID
			}
			store.Path = path
			stores = append(stores, store)
		}
	}
	return stores
}

// scabbard runs the executable and gives what it wrote to standard output.
func scabbard(t *testing.T, arguments ...string) string {
	t.Helper()
	command := exec.Command(*executable, arguments...)
	var output, said bytes.Buffer
	command.Stdout, command.Stderr = &output, &said
	if err := command.Run(); err != nil {
		t.Fatalf("scabbard %q: %v\n%s", arguments, err, said.String())
	}
	return output.String()
}

// configurations are the blocks of indented lines in what init says: the manager's and the worker's.
func configurations(t *testing.T, said string) (manager, worker string) {
	t.Helper()
	var blocks []string
	inBlock := false
	for line := range strings.Lines(said) {
		isIndented := strings.HasPrefix(line, "  ")
		if isIndented && !inBlock {
			blocks = append(blocks, "")
		}
		if isIndented {
			blocks[len(blocks)-1] += line
		}
		inBlock = isIndented
	}
	if len(blocks) != 2 {
		t.Fatalf("%d configurations in\n%s", len(blocks), said)
	}
	return blocks[0], blocks[1]
}

// decode takes TOML as the manager does, by the same package, and fails where something is left over.
func decode(t *testing.T, text string, into any) {
	t.Helper()
	meta, err := toml.Decode(text, into)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if left := meta.Undecoded(); len(left) > 0 {
		t.Errorf("damocles does not know %v in\n%s", left, text)
	}
}

// scanned are the stores that a manager and a worker find with the lines that init says.
func scanned(t *testing.T, said string) []sectorStoreJSON {
	t.Helper()
	managerText, workerText := configurations(t, said)
	var manager struct {
		Common struct{ ScanPersistStores []string }
	}
	decode(t, managerText, &manager)
	var worker struct {
		Worker struct {
			ScanPersistStores []string `toml:"scan_persist_stores"`
		} `toml:"worker"`
		Processors struct {
			Transfer []struct {
				Bin  string
				Args []string
			}
		} `toml:"processors"`
	}
	decode(t, workerText, &worker)
	stores := scan(t, manager.Common.ScanPersistStores)
	for _, store := range stores {
		if _, elsewhere := store.Meta["Url"]; elsewhere != (len(worker.Processors.Transfer) == 1) {
			t.Errorf("%s: the worker has the transfer processors %+v", store.Name, worker.Processors.Transfer)
		}
	}
	if others := scan(t, worker.Worker.ScanPersistStores); !reflect.DeepEqual(stores, others) {
		t.Errorf("the manager finds %+v, the worker %+v", stores, others)
	}
	return stores
}

func TestInit_writes_what_damocles_reads(t *testing.T) {
	for _, test := range []struct {
		name      string
		folder    string
		arguments []string
		want      sectorStoreJSON // but for its path
	}{
		{
			"with_nothing_but_a_folder", "/Store 1", nil,
			sectorStoreJSON{ID: "store-1", Config: objstore.Config{Name: "store-1"}},
		},
		{
			"with_name_and_options", "/data", []string{"--name", "s-01.A_b", "--option", "Timeout=30s", "--option", "guard=never"},
			sectorStoreJSON{ID: "s-01.A_b", Config: objstore.Config{
				Name: "s-01.A_b", Meta: map[string]string{"Timeout": "30s", "Guard": "never"},
			}},
		},
		{
			"read_only", "/data", []string{"--name", "a", "--read-only"},
			sectorStoreJSON{ID: "a", Config: objstore.Config{Name: "a", ReadOnly: true}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir() + test.folder
			stores := scanned(t, scabbard(t, append([]string{"init", folder}, test.arguments...)...))
			// What damocles' own generator writes when it is told nothing else.
			want := test.want
			want.Path, want.Strict, want.Weight, want.PluginName = folder, true, 1, "scabbard"
			want.AllowMiners, want.DenyMiners = []uint64{}, []uint64{}
			if want.Meta == nil {
				want.Meta = map[string]string{}
			}
			if !reflect.DeepEqual(stores, []sectorStoreJSON{want}) {
				t.Errorf("%+v\ninstead of %+v", stores, want)
			}
		})
	}
}

func TestInit_says_lines_that_find_a_folder_of_any_name(t *testing.T) {
	for _, name := range []string{
		"plain", "with space", `quote"d`, `back\slash`, "[1]", "[!a]", "st*r", "wh?t", "{a,b}", "Ünusual", "tab\tand\nline", "\x7f", "'", "#",
	} {
		parent := t.TempDir()
		if err := os.MkdirAll(parent+"/1", 0o755); err != nil { // a pattern [1] finds it
			t.Fatal(err)
		}
		folder := filepath.Join(parent, name)
		stores := scanned(t, scabbard(t, "init", folder, "--name", "a"))
		if len(stores) != 1 || stores[0].Name != "a" || stores[0].Path != folder {
			t.Errorf("%q: %+v", folder, stores)
		}
	}
}

// The manager's way from the scanned file to a store: openObjStore in damocles-manager/dep/sealer_constructor.go.
func openScanned(t *testing.T, found sectorStoreJSON) objstore.Store {
	t.Helper()
	plugin := loaded.Get(managerplugin.ObjStore, found.PluginName)
	if plugin == nil {
		t.Fatalf("no objstore plugin %q", found.PluginName)
	}
	return openBy(t, managerplugin.DeclareObjStoreManifest(plugin.Manifest), found.Config)
}

func TestInit_makes_a_store_that_the_manager_opens_and_scabbard_reads(t *testing.T) {
	const object = "cache/s-t01000-7/t_aux"
	parent := t.TempDir()
	elsewhere := filepath.Join(parent, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name      string
		arguments []string
		objects   string // the folder that they lie in
	}{
		{"inside", []string{"--option", "Timeout=30s"}, filepath.Join(parent, "inside")},
		{"outside", []string{"--url", "file://" + elsewhere}, elsewhere},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := filepath.Join(parent, test.name)
			found := scanned(t, scabbard(t, append([]string{"init", folder, "--name", "store-1"}, test.arguments...)...))
			if len(found) != 1 {
				t.Fatal(found)
			}
			store := openScanned(t, found[0])
			if store.Instance(bg) != "store-1" {
				t.Errorf("instance %q", store.Instance(bg))
			}
			want := content(100_000)
			put(t, store, object, want)
			mustHold(t, store, object, want)
			if got := scabbard(t, "cat", filepath.Join(folder, object)); got != string(want) {
				t.Errorf("scabbard cat gave %d bytes, not the %d that were stored", len(got), len(want))
			}
			if got := scabbard(t, "ls", "-r", folder); got != object+"\n" {
				t.Errorf("scabbard ls gave %q", got)
			}
			if _, err := os.Stat(filepath.Join(test.objects, object)); err != nil {
				t.Error(err)
			}
		})
	}
}
