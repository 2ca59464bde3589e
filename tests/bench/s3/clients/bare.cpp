// The floor: libcurl's multi interface in the shortest loop that sends requests signed by our own signer, once with
// curl_multi_poll and once with epoll and curl_multi_socket_action. It retries nothing and checks little.
#include <curl/curl.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "job.hpp"
#include "store/s3/hexadecimal.hpp"
#include "store/s3/signer.hpp"
#include "store/s3/uri_encoding.hpp"

namespace scabbard::bench {
namespace {

constexpr std::size_t kPiece = std::size_t{16} << 20;
constexpr long kBulkBuffer = 512L << 10;

// Signs, as every client has to.
class Signing {
 public:
  explicit Signing(const Job& job) : host_(job.endpoint.substr(job.endpoint.find("//") + 2)) {
    credentials_.access_key = std::getenv("AWS_ACCESS_KEY_ID");
    credentials_.secret_key = std::getenv("AWS_SECRET_ACCESS_KEY");
  }

  std::vector<s3::Header> headers(std::string_view method, const std::string& path, std::string_view payload,
                                  std::vector<s3::Header> headers) {
    s3::Request request{.method = method, .host = host_, .path = path, .query = {}, .headers = std::move(headers)};
    if (!signer_.sign(request, credentials_, payload, std::chrono::system_clock::now())) give_up("cannot sign");
    return std::move(request.headers);
  }

 private:
  s3::Signer signer_{"us-east-1"};
  s3::Credentials credentials_;
  std::string host_;
};

// One handle with what it needs for a request.
struct Transfer {
  CURL* handle = ::curl_easy_init();
  curl_slist* headers = nullptr;
  std::string path;  // that the URL was set to
  std::span<std::byte> into;
  std::size_t got = 0;

  Transfer(const Job& job, const std::string& url) {
    ::curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    ::curl_easy_setopt(handle, CURLOPT_PRIVATE, this);
    ::curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(handle, CURLOPT_PROXY, "");
    ::curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    if (!job.ca.empty()) ::curl_easy_setopt(handle, CURLOPT_CAINFO, job.ca.c_str());
    ::curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    ::curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
  }
  ~Transfer() {
    ::curl_easy_cleanup(handle);
    ::curl_slist_free_all(headers);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void set_headers(const std::vector<s3::Header>& all) {
    ::curl_slist_free_all(std::exchange(headers, nullptr));
    for (const s3::Header& header : all)
      headers = ::curl_slist_append(headers, (header.name + ": " + header.value).c_str());
    headers = ::curl_slist_append(headers, "Accept:");
    headers = ::curl_slist_append(headers, "Expect:");
    ::curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
  }

  void check(CURLcode code) const {
    long status = 0;
    ::curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK || status / 100 != 2 || got != into.size()) {
      give_up("status " + std::to_string(status) + ": " + ::curl_easy_strerror(code));
    }
  }

  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    std::size_t length = std::min(size * count, transfer.into.size() - transfer.got);
    std::memcpy(transfer.into.data() + transfer.got, data, length);
    transfer.got += length;
    return length;
  }
};

// Many small requests, so many at a time.
class SmallRequests {
 public:
  explicit SmallRequests(const Job& job) : job_(job), signing_(job), memory_(bytes_of(job.reads)), free_(memory_) {
    ::curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1024L);
    for (std::size_t i = 0; i < job.in_flight; ++i) transfers_.emplace_back(job, job.endpoint);
  }

  void run_with_poll() {
    begin();
    for (int running = 1; running > 0 || finished_ < job_.reads.size();) {
      ::curl_multi_perform(multi_, &running);
      take_finished();
      if (finished_ < job_.reads.size()) ::curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
  }

  void run_with_epoll() {
    poller_ = ::epoll_create1(EPOLL_CLOEXEC);
    ::curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &SmallRequests::on_socket);
    ::curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    ::curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &SmallRequests::on_timer);
    ::curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    begin();
    int running = 0;
    std::array<epoll_event, 256> events;
    while (finished_ < job_.reads.size()) {
      if (timer_ == 0) {
        timer_ = -1;
        ::curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
        take_finished();
        continue;
      }
      int count = ::epoll_wait(poller_, events.data(), events.size(), static_cast<int>(std::min(timer_, 1000L)));
      if (count <= 0) timer_ = 0;
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
        int what = (event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0;
        if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
        ::curl_multi_socket_action(multi_, event.data.fd, what, &running);
      }
      take_finished();
    }
  }

 private:
  void begin() {
    for (Transfer& transfer : transfers_) start(transfer);
  }

  void start(Transfer& transfer) {
    if (started_ == job_.reads.size()) return;
    const Read& read = job_.reads[started_++];
    std::vector<s3::Header> headers;
    if (read.size == 0) {
      ::curl_easy_setopt(transfer.handle, CURLOPT_NOBODY, 1L);
    } else {
      headers.push_back(
          {"range", "bytes=" + std::to_string(read.offset) + "-" + std::to_string(read.offset + read.size - 1)});
    }
    const std::string path = "/" + job_.bucket + "/" + s3::encoded_path(read.key);
    if (transfer.path != path) ::curl_easy_setopt(transfer.handle, CURLOPT_URL, (job_.endpoint + path).c_str());
    transfer.path = path;
    transfer.set_headers(
        signing_.headers(read.size == 0 ? "HEAD" : "GET", path, s3::kEmptyPayload, std::move(headers)));
    transfer.into = free_.first(read.size);
    transfer.got = 0;
    free_ = free_.subspan(read.size);
    ::curl_multi_add_handle(multi_, transfer.handle);
  }

  void take_finished() {
    int left = 0;
    while (CURLMsg* message = ::curl_multi_info_read(multi_, &left)) {
      char* found = nullptr;
      ::curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &found);
      auto& transfer = *reinterpret_cast<Transfer*>(found);
      transfer.check(message->data.result);
      ::curl_multi_remove_handle(multi_, transfer.handle);
      ++finished_;
      start(transfer);
    }
  }

  static int on_socket(CURL* /*easy*/, curl_socket_t socket, int what, void* self, void* known) {
    auto& loop = *static_cast<SmallRequests*>(self);
    epoll_event event{.events = 0, .data = {.fd = socket}};
    if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    if (what == CURL_POLL_REMOVE) {
      ::epoll_ctl(loop.poller_, EPOLL_CTL_DEL, socket, nullptr);
      return 0;
    }
    ::epoll_ctl(loop.poller_, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
    ::curl_multi_assign(loop.multi_, socket, self);
    return 0;
  }

  static int on_timer(CURLM* /*multi*/, long milliseconds, void* self) {
    static_cast<SmallRequests*>(self)->timer_ = milliseconds < 0 ? 1000 : milliseconds;
    return 0;
  }

  const Job& job_;
  Signing signing_;
  std::vector<std::byte> memory_;
  std::span<std::byte> free_;
  CURLM* multi_ = ::curl_multi_init();
  std::deque<Transfer> transfers_;
  std::size_t started_ = 0;
  std::size_t finished_ = 0;
  int poller_ = -1;
  long timer_ = 1000;  // milliseconds
};

std::string sha256_hex(std::span<const std::byte> bytes) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return s3::hexadecimal(digest);
}

std::size_t on_read(char* into, std::size_t size, std::size_t count, void* self) {
  auto& rest = *static_cast<std::span<const std::byte>*>(self);
  std::size_t length = std::min(size * count, rest.size());
  std::memcpy(into, rest.data(), length);
  rest = rest.subspan(length);
  return length;
}

// Hashing (where the job wants it) and sending alone: reads a piece, hashes it, sends it as an object of its own.
void put_pieces(const Job& job) {
  Signing signing(job);
  int source = ::open(job.file.c_str(), O_RDONLY | O_CLOEXEC);
  std::vector<std::byte> piece(kPiece);
  std::optional<Transfer> transfer;
  for (std::uint64_t offset = 0; offset < job.length; offset += kPiece) {
    auto got = ::pread(source, piece.data(), piece.size(), static_cast<off_t>(offset));
    if (got <= 0) give_up("cannot read " + job.file);
    std::span<const std::byte> body = std::span(piece).first(static_cast<std::size_t>(got));
    const std::string path = "/" + job.bucket + "/" + s3::encoded_path(job.key) + "-" + std::to_string(offset / kPiece);
    if (!transfer) transfer.emplace(job, job.endpoint + path);
    ::curl_easy_setopt(transfer->handle, CURLOPT_URL, (job.endpoint + path).c_str());
    ::curl_easy_setopt(transfer->handle, CURLOPT_UPLOAD, 1L);
    ::curl_easy_setopt(transfer->handle, CURLOPT_UPLOAD_BUFFERSIZE, kBulkBuffer);
    ::curl_easy_setopt(transfer->handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body.size()));
    ::curl_easy_setopt(transfer->handle, CURLOPT_READFUNCTION, &on_read);
    const std::string hash = job.sign_payload ? sha256_hex(body) : std::string(s3::kUnsignedPayload);
    ::curl_easy_setopt(transfer->handle, CURLOPT_READDATA, &body);
    transfer->set_headers(signing.headers("PUT", path, hash, {}));
    transfer->check(::curl_easy_perform(transfer->handle));
  }
  ::close(source);
}

std::size_t on_file_body(char* data, std::size_t size, std::size_t count, void* target) {
  auto written = ::write(*static_cast<int*>(target), data, size * count);
  return written < 0 ? 0 : static_cast<std::size_t>(written);
}

// One GET of all.
void get(const Job& job) {
  Signing signing(job);
  int target = ::open(job.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string path = "/" + job.bucket + "/" + s3::encoded_path(job.key);
  Transfer transfer(job, job.endpoint + path);
  ::curl_easy_setopt(transfer.handle, CURLOPT_BUFFERSIZE, kBulkBuffer);
  ::curl_easy_setopt(transfer.handle, CURLOPT_WRITEFUNCTION, &on_file_body);
  ::curl_easy_setopt(transfer.handle, CURLOPT_WRITEDATA, &target);
  transfer.set_headers(signing.headers("GET", path, s3::kEmptyPayload, {}));
  transfer.check(::curl_easy_perform(transfer.handle));
  ::close(target);
}

void carry_out(const Job& job) {
  ::curl_global_init(CURL_GLOBAL_DEFAULT);
  if (job.work == "put_file") return put_pieces(job);
  if (job.work == "get") return get(job);
  SmallRequests requests(job);
  job.variant == "poll" ? requests.run_with_poll() : requests.run_with_epoll();
}

}  // namespace
}  // namespace scabbard::bench

int main(int argc, char** argv) { scabbard::bench::run(argc, argv, scabbard::bench::carry_out); }
