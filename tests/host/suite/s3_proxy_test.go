package suite

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
)

// putBehind has what is attached from now on talk to a handler, which is given the one that passes requests on.
func (server *s3Server) putBehind(t *testing.T, handler func(pass http.Handler) http.Handler) {
	t.Helper()
	target, err := url.Parse(server.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 256
	t.Cleanup(transport.CloseIdleConnections)
	pass := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(target)
			request.Out.Host = request.In.Host // it is signed
		},
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0), // what is spoiled on purpose
	}
	proxy := httptest.NewUnstartedServer(handler(pass))
	proxy.Config.ErrorLog = pass.ErrorLog
	proxy.Start()
	t.Cleanup(proxy.Close)
	server.endpoint = proxy.URL
}
