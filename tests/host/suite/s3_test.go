package suite

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ipfs-force-community/damocles/manager-plugin/objstore"
)

// s3Server is versitygw, MinIO or nginx on loopback, with one bucket; it ends with the test.
type s3Server struct {
	endpoint, bucket string
	credentials      string   // a file like ~/.aws/credentials
	objects          string   // the folder of the bucket
	options          []string // of the store, besides those that it needs
	program          []string
	environment      []string
	command          *exec.Cmd
}

func startS3(t *testing.T) *s3Server {
	t.Helper()
	server := placeS3(t)
	server.program = []string{filepath.Join(*servers, "versitygw"), "--quiet", "--keep-alive",
		"--port", strings.TrimPrefix(server.endpoint, "http://"), "posix", filepath.Dir(server.objects)}
	server.environment = []string{"ROOT_ACCESS_KEY=host-suite", "ROOT_SECRET_KEY=host-suite-secret"}
	server.start(t)
	return server
}

func startMinio(t *testing.T) *s3Server {
	t.Helper()
	server := placeS3(t)
	server.program = []string{filepath.Join(*servers, "minio"), "server", "--quiet",
		"--address", strings.TrimPrefix(server.endpoint, "http://"), filepath.Dir(server.objects)}
	server.environment = []string{"MINIO_ROOT_USER=host-suite", "MINIO_ROOT_PASSWORD=host-suite-secret",
		"MINIO_CI_CD=1", "MINIO_BROWSER=off", "MINIO_UPDATE=off"}
	server.start(t)
	return server
}

// startNginx starts one that serves what is in the folder of the bucket to whoever asks, and stores nothing.
func startNginx(t *testing.T) *s3Server {
	t.Helper()
	server := placeS3(t)
	folder := t.TempDir()
	text, err := os.ReadFile("tests/bench/s3/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.endpoint, "http://"))
	config := filepath.Join(folder, "nginx.conf")
	writeFile(t, config, strings.NewReplacer("{folder}", folder, "{root}", filepath.Dir(server.objects), "{port}", port).Replace(string(text)))
	server.program = []string{"nginx", "-e", filepath.Join(folder, "error.log"), "-c", config}
	server.start(t)
	return server
}

func placeS3(t *testing.T) *s3Server {
	t.Helper()
	folder := t.TempDir()
	server := &s3Server{
		endpoint:    "http://" + freeAddress(t),
		bucket:      "sectors",
		credentials: filepath.Join(folder, "credentials"),
		objects:     filepath.Join(folder, "objects", "sectors"),
	}
	if err := os.MkdirAll(server.objects, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, server.credentials, "[default]\naws_access_key_id = host-suite\naws_secret_access_key = host-suite-secret\n")
	t.Cleanup(server.kill)
	return server
}

func (server *s3Server) start(t *testing.T) {
	t.Helper()
	server.command = exec.Command(server.program[0], server.program[1:]...)
	server.command.Env = append(os.Environ(), server.environment...)
	server.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := server.command.Start(); err != nil {
		t.Fatalf("%v: scripts/servers builds it, or scripts/need installs it", err)
	}
}

func (server *s3Server) kill() {
	if server.command == nil || server.command.Process == nil {
		return
	}
	server.command.Process.Kill()
	server.command.Wait()
}

// freeAddress is a port of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// open makes a store folder that points into the bucket, and opens it as the manager does once it has found it. Nobody
// waits for the server to be up: calls on the store do.
func (server *s3Server) open(t *testing.T, prefix string) (store objstore.Store, folder string) {
	t.Helper()
	t.Setenv("SCABBARD_STATE", t.TempDir())
	folder = filepath.Join(t.TempDir(), "store")
	arguments := []string{"init", folder, "--name", "s3-a", "--url", fmt.Sprintf("s3://%s/%s", server.bucket, prefix)}
	for _, option := range append(server.options, "Endpoint="+server.endpoint, "Region=us-east-1", "Timeout=1m",
		"CredentialsFile="+server.credentials) {
		arguments = append(arguments, "--option", option)
	}
	found := scanned(t, scabbard(t, arguments...))
	if len(found) != 1 {
		t.Fatal(found)
	}
	return openScanned(t, found[0]), folder
}

func TestS3Store(t *testing.T) {
	server := startS3(t)
	store, _ := server.open(t, "acceptance")
	runAll(t, store, acceptance)
	runAll(t, store, ownAcceptance)
	if store.Type() != "scabbard-s3" {
		t.Errorf("type %q", store.Type())
	}
}

func TestS3_store_of_the_manager_is_what_scabbard_reads(t *testing.T) {
	const object = "cache/s-t01000-7/t_aux"
	server := startS3(t)
	store, folder := server.open(t, "f01000")
	if store.Instance(bg) != "s3-a" || store.FullPath(bg, object) != filepath.Join(folder, object) {
		t.Errorf("instance %q, path %q", store.Instance(bg), store.FullPath(bg, object))
	}
	want := content(100_000)
	put(t, store, object, want)
	if got := scabbard(t, "cat", store.FullPath(bg, object)); got != string(want) {
		t.Errorf("scabbard cat gave %d bytes, not the %d that were stored", len(got), len(want))
	}
	if got := scabbard(t, "ls", "-r", folder); got != object+"\n" {
		t.Errorf("scabbard ls gave %q", got)
	}
	key := filepath.Join(server.objects, "f01000", object)
	if _, err := os.Stat(key); err != nil {
		t.Error(err)
	}
	if err := store.Del(bg, object); err != nil {
		t.Error(err)
	}
	mustBeMissing(t, store, object)
	if _, err := os.Stat(key); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the server still has it: %v", err)
	}
}
