package suite

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"

	"scabbard/tests/transfer"
)

const attachedName = "s3-a"

// attached is a store as both sides have it: opened by the manager, and attached to the worker as a folder.
type attached struct {
	store  objstore.Store
	folder string
}

func (a attached) end(object string) transfer.End {
	name := attachedName
	return transfer.End{Store: &name, URI: filepath.Join(a.folder, object)}
}

// backends are what sectors are stored in.
var backends = []struct {
	name   string
	attach func(t *testing.T) attached
}{
	{"posix", func(t *testing.T) attached {
		folder := filepath.Join(t.TempDir(), "store")
		found := scanned(t, scabbard(t, "init", folder, "--name", attachedName))
		return attached{openScanned(t, found[0]), folder}
	}},
	{"versitygw", func(t *testing.T) attached { return startS3(t).attach(t) }},
	{"minio", func(t *testing.T) attached { return startMinio(t).attach(t) }},
}

func (server *s3Server) attach(t *testing.T) attached {
	store, folder := server.open(t, "f01000")
	return attached{store, folder}
}

// shape is a size of sectors, and of the tree-r-last files that go with it.
type shape struct {
	name   string
	size   int64
	trees  int
	leaves int64 // of one tree
}

var (
	smallest = shape{"2KiB", 2 << 10, 1, 64}
	small    = shape{"8MiB", 8 << 20, 1, 262_144}
	middle   = shape{"512MiB", 512 << 20, 1, 16_777_216}
	real32   = shape{"32GiB", 32 << 30, 8, 134_217_728}
)

// treeFileSize is with two rows discarded, as lotus does it.
func (s shape) treeFileSize() int64 {
	nodes := int64(0)
	for level := max(s.leaves>>9, 1); level > 0; level /= 8 {
		nodes += level
	}
	return nodes * 32
}

// sector is one in a worker's folder: objects' names without their sector, and the files that they are.
type sector map[string]string

func sealedFile(folder string) string  { return filepath.Join(folder, "sealed") }
func cacheFolder(folder string) string { return filepath.Join(folder, "cache") }

// seal makes one. Large ones are mostly holes.
func seal(t *testing.T, folder string, s shape, seed byte) sector {
	t.Helper()
	files := map[string]int64{"p_aux": 64, "t_aux": 1000 + int64(s.trees)}
	for i := range s.trees {
		name := "sc-02-data-tree-r-last.dat"
		if s.trees > 1 {
			name = fmt.Sprintf("sc-02-data-tree-r-last-%d.dat", i)
		}
		files[name] = s.treeFileSize()
	}
	sealed := sealedFile(folder)
	made := sector{"sealed": sealed}
	writeRandom(t, sealed, s.size, seed)
	for name, size := range files {
		made["cache/"+name] = filepath.Join(cacheFolder(folder), name)
		writeRandom(t, made["cache/"+name], size, seed)
	}
	return made
}

// writeRandom leaves out all but the begin of each GiB of a file that is larger.
func writeRandom(t *testing.T, name string, size int64, seed byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	random := rand.NewChaCha8([32]byte{seed, byte(size)})
	written := min(size, 1<<30)
	if size > 1<<30 {
		written = 1 << 20
	}
	for at := int64(0); at < size; at += 1 << 30 {
		if _, err := io.CopyN(io.NewOffsetWriter(file, at), random, written); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Truncate(size); err != nil {
		t.Fatal(err)
	}
}

func objectOf(file string, id string) string {
	kind, rest, inCache := strings.Cut(file, "/")
	if !inCache {
		return kind + "/" + id
	}
	return kind + "/" + id + "/" + rest
}

// persisted are the routes by which a worker stores it.
func persisted(folder string, to attached, id string) []transfer.Route {
	return []transfer.Route{
		fileRoute(local(sealedFile(folder)), to.end("sealed/"+id)),
		folderRoute(local(cacheFolder(folder)), to.end("cache/"+id)),
	}
}

// mustHoldFiles compares what the manager sees with the worker's files.
func mustHoldFiles(t *testing.T, in attached, files sector, id string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mustHoldFile(t, in.store, objectOf(name, id), files[name])
	}
}

func mustHoldFile(t *testing.T, store objstore.Store, object, file string) {
	t.Helper()
	want, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := store.Stat(bg, object)
	if err != nil || stat.Size != want.Size() {
		t.Fatalf("stat %q: %d bytes, %v; want %d", object, stat.Size, err, want.Size())
	}
	stored := get(t, store, object)
	defer stored.Close()
	if sumOf(t, stored) != sumOfFile(t, file) {
		t.Fatalf("%q is not what %s is", object, file)
	}
}

// sumOf reads to the end.
func sumOf(t *testing.T, reader io.Reader) uint32 {
	t.Helper()
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, reader); err != nil {
		t.Fatal(err)
	}
	return sum.Sum32()
}

func sumOfFile(t *testing.T, name string) uint32 {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return sumOf(t, file)
}

func mustBeAlike(t *testing.T, one, other string) {
	t.Helper()
	if sumOfFile(t, one) != sumOfFile(t, other) {
		t.Fatalf("%s is not what %s is", one, other)
	}
}

// onEachBackend gives the test a store, and a worker that it is attached to.
func onEachBackend(t *testing.T, test func(t *testing.T, to attached, w *worker)) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) { test(t, backend.attach(t), startWorker(t)) })
	}
}

func TestSector_goes_from_worker_to_manager_and_back(t *testing.T) {
	onEachBackend(t, func(t *testing.T, to attached, w *worker) {
		for number, s := range []shape{smallest, small, middle} {
			t.Run(s.name, func(t *testing.T) {
				id := fmt.Sprintf("s-t01000-%d", number+1)
				first, second, back := t.TempDir(), t.TempDir(), t.TempDir()
				made := seal(t, first, s, 1)
				w.mustTransfer(t, persisted(first, to, id)...)
				mustHoldFiles(t, to, made, id)
				scabbard(t, "sector", "verify", id, "--store", to.folder)

				w.mustTransfer(t, fileRoute(to.end("sealed/"+id), local(sealedFile(back))), folderRoute(to.end("cache/"+id), local(cacheFolder(back))))
				for name, file := range made {
					mustBeAlike(t, filepath.Join(back, name), file)
				}

				again := seal(t, second, s, 2)
				w.mustTransfer(t, persisted(second, to, id)...)
				mustHoldFiles(t, to, again, id)
				scabbard(t, "sector", "verify", id, "--store", to.folder)
			})
		}
		t.Run("unsealed_piece", func(t *testing.T) {
			piece := filepath.Join(t.TempDir(), "piece")
			writeRandom(t, piece, 8<<20, 3)
			w.mustTransfer(t, fileRoute(local(piece), to.end("unsealed/s-t01000-9")))
			mustHoldFile(t, to.store, "unsealed/s-t01000-9", piece)
		})
	})
}

// Holes stay holes; the rest of 32 GiB is read in one go only where there is time.
func TestSector_of_32_GiB_keeps_its_holes(t *testing.T) {
	const id = "s-t01000-32"
	to := backends[0].attach(t)
	w := startWorker(t)
	folder := t.TempDir()
	made := seal(t, folder, real32, 4)
	w.mustTransfer(t, persisted(folder, to, id)...)
	for name, file := range made {
		if name == "sealed" {
			continue
		}
		mustHoldFile(t, to.store, objectOf(name, id), file)
	}
	stat, err := to.store.Stat(bg, "sealed/"+id)
	if err != nil || stat.Size != real32.size {
		t.Fatal(stat.Size, err)
	}
	stored, err := os.Stat(filepath.Join(to.folder, "sealed", id))
	if err != nil {
		t.Fatal(err)
	}
	if allocated := stored.Sys().(*syscall.Stat_t).Blocks * 512; allocated > 64<<20 {
		t.Errorf("%d bytes are allocated", allocated)
	}
	if os.Getenv("SCABBARD_LONG_TESTS") != "" {
		mustHoldFile(t, to.store, "sealed/"+id, made["sealed"])
	}
}

func TestTransfers_are_done_32_at_once(t *testing.T) {
	onEachBackend(t, func(t *testing.T, to attached, w *worker) {
		folder := t.TempDir()
		var underWay []<-chan answer
		for i := range 32 {
			file := filepath.Join(folder, strconv.Itoa(i))
			writeRandom(t, file, 1<<20+int64(i), byte(i))
			underWay = append(underWay, w.begin(t, fileRoute(local(file), to.end("sealed/s-t01000-"+strconv.Itoa(i)))))
		}
		for i, answers := range underWay {
			if done := <-answers; done.err != nil {
				t.Fatal(i, done.err)
			}
			mustHoldFile(t, to.store, "sealed/s-t01000-"+strconv.Itoa(i), filepath.Join(folder, strconv.Itoa(i)))
		}
	})
}

func TestPersist_waits_for_a_server_that_dies_in_the_middle(t *testing.T) {
	const id = "s-t01000-7"
	server := startS3(t)
	to := server.attach(t)
	w := startWorker(t)
	folder := t.TempDir()
	made := seal(t, folder, middle, 5)
	answers := w.begin(t, persisted(folder, to, id)...)
	for { // until something of it has arrived
		if uploads := scabbard(t, "du", "--uploads", "--json", to.folder); strings.Count(uploads, "\n") > 1 {
			break
		}
		select {
		case done := <-answers:
			t.Fatalf("it was quicker: %v", done.err)
		default:
		}
	}
	server.kill()
	server.start(t)
	if done := <-answers; done.err != nil {
		t.Fatal(done.err)
	}
	mustHoldFiles(t, to, made, id)
}

func TestTransfer_waits_while_the_local_disk_is_full(t *testing.T) {
	const id = "s-t01000-7"
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=10m"); err != nil {
		t.Skipf("no filesystem of its own: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	filler, back := filepath.Join(disk, "filler"), filepath.Join(disk, "back")
	writeRandom(t, filler, 6<<20, 1)
	to := backends[1].attach(t)
	w := startWorker(t)
	folder := t.TempDir()
	made := seal(t, folder, small, 6)
	w.mustTransfer(t, persisted(folder, to, id)...)
	answers := w.begin(t, fileRoute(to.end("sealed/"+id), local(back)))
	w.waitUntilItSays(t, "No space left")
	if _, err := os.Stat(back); !os.IsNotExist(err) {
		t.Errorf("a part of it is there: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if done := <-answers; done.err != nil {
		t.Fatal(done.err)
	}
	mustBeAlike(t, back, made["sealed"])
}

func TestTransfer_that_will_not_mend_itself_is_an_error(t *testing.T) {
	onEachBackend(t, func(t *testing.T, to attached, w *worker) {
		folder := t.TempDir()
		writeFile(t, filepath.Join(folder, "file"), "content")
		file, unknown := local(filepath.Join(folder, "file")), "nobody"
		archive, archived := "archive", filepath.Join(t.TempDir(), "archive")
		scabbard(t, "init", archived, "--name", archive, "--read-only")
		for name, bad := range map[string]struct {
			route transfer.Route
			says  string
		}{
			"missing source":        {fileRoute(local(filepath.Join(folder, "none")), to.end("sealed/a")), "src path not exists"},
			"missing object":        {fileRoute(to.end("sealed/none"), local(filepath.Join(folder, "back"))), "src path not exists"},
			"relative source":       {fileRoute(local("file"), to.end("sealed/a")), "relative"},
			"relative destination":  {fileRoute(file, local("back")), "relative"},
			"dots out of the store": {fileRoute(file, transfer.End{Store: to.end("").Store, URI: to.folder + "/../outside"}), ".."},
			"read-only store":       {fileRoute(file, transfer.End{Store: &archive, URI: filepath.Join(archived, "sealed/a")}), "read-only"},
			"unknown store":         {fileRoute(file, transfer.End{Store: &unknown, URI: filepath.Join(to.folder, "sealed/a")}), unknown},
		} {
			t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
				if err := w.transfer(t, bad.route); err == nil || !strings.Contains(err.Error(), bad.says) {
					t.Errorf("%v; want something with %q", err, bad.says)
				}
			})
		}
		w.mustTransfer(t, fileRoute(file, to.end("sealed/a"))) // and goes on
	})
}

// After each death the manager sees, file by file, what was there before or what was being stored.
func TestPersist_that_is_killed_leaves_each_file_old_or_new(t *testing.T) {
	const id = "s-t01000-7"
	deaths := 20
	if os.Getenv("SCABBARD_LONG_TESTS") != "" {
		deaths = 500
	}
	for _, backend := range backends[:2] {
		t.Run(backend.name, func(t *testing.T) {
			to := backend.attach(t)
			folders := []string{t.TempDir(), t.TempDir()}
			made := []sector{seal(t, folders[0], small, 1), seal(t, folders[1], small, 2)}
			start := time.Now()
			startWorker(t).mustTransfer(t, persisted(folders[1], to, id)...)
			whole := time.Since(start)
			for death := range deaths {
				w := startWorker(t)
				answers := w.begin(t, persisted(folders[death%2], to, id)...)
				select {
				case done := <-answers:
					if done.err != nil {
						t.Fatal(done.err)
					}
				case <-time.After(rand.N(whole)):
				}
				w.kill()
				for name := range made[0] {
					mustBeOneOf(t, to.store, objectOf(name, id), made[0][name], made[1][name])
				}
			}
			startWorker(t).mustTransfer(t, persisted(folders[0], to, id)...)
			mustHoldFiles(t, to, made[0], id)
			if backend.name != "posix" {
				if uploads := scabbard(t, "du", "--uploads", "--json", to.folder); strings.Count(uploads, "\n") > 1 {
					t.Errorf("uploads are left: %s", uploads)
				}
			}
			if objects := strings.Fields(scabbard(t, "ls", "-r", to.folder)); len(objects) != len(made[0])+1 { // and the manifest
				t.Errorf("there is %q", objects)
			}
		})
	}
}

func mustBeOneOf(t *testing.T, store objstore.Store, object string, files ...string) {
	t.Helper()
	stored, err := io.ReadAll(get(t, store, object))
	for err != nil && strings.Contains(err.Error(), "another version is there") {
		// The server went on with what the dead one had asked for.
		stored, err = io.ReadAll(get(t, store, object))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if content, err := os.ReadFile(file); err == nil && bytes.Equal(content, stored) {
			return
		}
	}
	t.Fatalf("%q, of %d bytes, is none of %q", object, len(stored), files)
}
