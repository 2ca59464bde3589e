package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// servers are started when a bench first asks for them, and end with this program.
type servers struct {
	settings
	running map[string]server
	stops   []func()
}

// server is where one answers.
type server struct {
	endpoint, ca, bucket string
	// Where it tells how many requests it has seen (nginx's stub_status), if it does.
	status string
}

// counting notes how many requests the server has seen meanwhile.
func (at server) counting(do func() (cost, error)) (cost, error) {
	if at.status == "" {
		return do()
	}
	before, err := at.requests()
	if err != nil {
		return cost{}, err
	}
	spent, err := do()
	if err != nil {
		return cost{}, err
	}
	after, err := at.requests()
	spent.Requests = after - before - 1 // but for ours
	return spent, err
}

func (at server) requests() (float64, error) {
	answer, err := http.Get(at.status)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`requests\n \d+ \d+ (\d+)`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("nginx tells no number of requests: %s", text)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

func newServers(s settings) *servers { return &servers{settings: s, running: map[string]server{}} }

func (p *servers) stop() {
	for _, stop := range p.stops {
		stop()
	}
}

func (p *servers) started(name string) (server, error) {
	if found, ok := p.running[name]; ok {
		return found, nil
	}
	start := map[string]func(string) (server, error){
		"":          func(string) (server, error) { return server{}, nil },
		"versitygw": p.versitygw, "versitygw-tls": p.versitygw, "minio": p.minioServer, "nginx": p.nginx,
		"delaying": p.scripted, "discarding": p.scripted, "delaying-sectors": p.scripted, "versitygw-sectors": p.versitygwOfSectors,
	}[name]
	found, err := start(name)
	if err == nil {
		p.running[name] = found
	}
	return found, err
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// start runs a program that dies with this one.
func (p *servers) start(environment []string, program ...string) error {
	command := exec.Command(program[0], program[1:]...)
	command.Env = append(os.Environ(), environment...)
	log, err := os.Create(filepath.Join(p.folder, filepath.Base(program[0])+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	return p.run(command)
}

func (p *servers) run(command *exec.Cmd) error {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := command.Start(); err != nil {
		return err
	}
	p.stops = append(p.stops, func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	return nil
}

// folderOf is made for a server's objects.
func (p *servers) folderOf(name string) (string, error) {
	folder := filepath.Join(p.folder, name)
	return folder, os.MkdirAll(folder, 0o755)
}

// withBucket waits until the server makes one.
func (p *servers) withBucket(at server) (server, error) {
	at.bucket = bucket
	var err error
	for range 100 {
		if _, err = p.minio().run(job{Work: "make_bucket", Endpoint: at.endpoint, CA: at.ca, Bucket: bucket}); err == nil {
			return at, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return at, err
}

// place is a folder for a server's objects and an address for it to listen at.
func (p *servers) place(name string) (folder, address string, err error) {
	if folder, err = p.folderOf(name); err != nil {
		return "", "", err
	}
	port, err := freePort()
	return folder, fmt.Sprintf("127.0.0.1:%d", port), err
}

func (p *servers) versitygw(name string) (server, error) {
	folder, address, err := p.place(name)
	if err != nil {
		return server{}, err
	}
	at := server{endpoint: "http://" + address}
	// By itself it closes every connection after one answer.
	program := []string{filepath.Join(p.build, "servers/versitygw"), "--keep-alive", "--quiet", "--port", address}
	if strings.HasSuffix(name, "-tls") {
		certificate, key, err := p.certificate()
		if err != nil {
			return server{}, err
		}
		at.endpoint, at.ca = "https://"+address, certificate
		program = append(program, "--cert", certificate, "--key", key)
	}
	keys := []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey}
	if err := p.start(keys, append(program, "posix", folder)...); err != nil {
		return server{}, err
	}
	return p.withBucket(at)
}

// versitygwOfSectors has as many as a proof is of.
func (p *servers) versitygwOfSectors(name string) (server, error) {
	at, err := p.versitygw(name)
	if err != nil {
		return server{}, err
	}
	return at, linkSectors(filepath.Join(p.folder, name), proofs(p.settings)[1].job.Count)
}

func (p *servers) minioServer(name string) (server, error) {
	folder, address, err := p.place(name)
	if err != nil {
		return server{}, err
	}
	environment := []string{"MINIO_ROOT_USER=" + accessKey, "MINIO_ROOT_PASSWORD=" + secretKey,
		"MINIO_CI_CD=1", // takes a folder that is no disk of its own
		"MINIO_BROWSER=off", "MINIO_UPDATE=off"}
	if err := p.start(environment, filepath.Join(p.build, "servers/minio"), "server", "--quiet", "--address", address, folder); err != nil {
		return server{}, err
	}
	return p.withBucket(server{endpoint: "http://" + address})
}

// nginx serves the source file as the object, and one sector's files under the names of all.
func (p *servers) nginx(name string) (server, error) {
	folder, err := p.folderOf(name)
	if err != nil {
		return server{}, err
	}
	root := filepath.Join(folder, "root", bucket)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return server{}, err
	}
	source, err := p.source(benches(p.settings)[0].job.Length)
	if err != nil {
		return server{}, err
	}
	if err := os.Link(source, filepath.Join(root, object)); err != nil {
		return server{}, err
	}
	if _, err := writeSector(filepath.Dir(root)); err != nil {
		return server{}, err
	}
	port, err := freePort()
	if err != nil {
		return server{}, err
	}
	text, err := os.ReadFile(p.built("nginx.conf"))
	if err != nil {
		return server{}, err
	}
	filled := strings.NewReplacer("{folder}", folder, "{root}", filepath.Dir(root), "{port}", fmt.Sprint(port)).Replace(string(text))
	config := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(config, []byte(filled), 0o600); err != nil {
		return server{}, err
	}
	if err := p.start(nil, "nginx", "-e", filepath.Join(folder, "error.log"), "-c", config); err != nil {
		return server{}, err
	}
	at := server{endpoint: fmt.Sprintf("http://127.0.0.1:%d", port), bucket: bucket}
	at.status = at.endpoint + "/status"
	for range 100 {
		connection, err := net.Dial("tcp", strings.TrimPrefix(at.endpoint, "http://"))
		if err == nil {
			return at, connection.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return at, fmt.Errorf("nginx does not listen: see %s", folder)
}

// scripted is our own server; it ends when its input does.
func (p *servers) scripted(name string) (server, error) {
	arguments := map[string][]string{
		"delaying":         {"--delay", "20", "--object", fmt.Sprintf("%s=%d", object, benches(p.settings)[0].job.Length)},
		"delaying-sectors": append([]string{"--delay", "20"}, objectsOfSectors()...),
		"discarding":       {"--discard"},
	}[name]
	command := exec.Command(p.built("scripted_server"), arguments...)
	if _, err := command.StdinPipe(); err != nil {
		return server{}, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return server{}, err
	}
	if err := p.run(command); err != nil {
		return server{}, err
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	return server{endpoint: strings.TrimSpace(url), bucket: "bucket"}, err
}

// certificate makes a certificate for 127.0.0.1 that is its own authority.
func (p *servers) certificate() (certificate, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "scabbard benchmark"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	certificate, key = filepath.Join(p.folder, "certificate.pem"), filepath.Join(p.folder, "key.pem")
	if err := os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600); err != nil {
		return "", "", err
	}
	return certificate, key, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}
