#include "net/transfer.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "net/engine.hpp"

namespace scabbard::net {
namespace {

// Of what is not put into memory that was made for it: error texts, listings of a thousand names.
constexpr std::size_t kMostText = std::size_t{16} << 20;
constexpr std::size_t kMostErrorText = std::size_t{64} << 10;
constexpr std::size_t kMostHeaders = std::size_t{256} << 10;
// What has to pass for it to be progress.
constexpr std::size_t kLeastProgress = std::size_t{4} << 10;
// libcurl allocates these for each transfer under way.
constexpr long kBulkBuffer = 256L << 10;
constexpr long kBulkUploadBuffer = 256L << 10;
constexpr long kSmallBuffer = 16L << 10;
constexpr std::chrono::milliseconds kMostConnecting = std::chrono::seconds(10);
// Servers close what was idle for 5 to 60 s; libcurl sees that, mostly in time.
constexpr long kMostIdleSeconds = 30;

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  ::curl_easy_setopt(handle, option, value);
}

bool has_body(const Request& request) { return request.method == "PUT" || request.method == "POST"; }

const char* system_authorities() {
  static const char* const file = ::curl_version_info(CURLVERSION_NOW)->cainfo;
  return file;
}

std::uint64_t size_of_body(const Request& request) {
  return request.source == nullptr ? request.body.size() : request.source_size;
}

// May have been a mishap.
Error unexpected(std::string what) {
  return {.code = ErrorCode::kUnavailable, .message = std::move(what), .retryable = true, .request_id = {}};
}

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::string_view Answer::header(std::string_view name) const {
  std::string_view rest = block_;
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    std::string_view line = rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
    std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && same_ignoring_case(line.substr(0, colon), name)) {
      return trimmed(line.substr(colon + 1));
    }
  }
  return {};
}

std::unique_ptr<Transfer> Transfer::create(bool bulk, const Clock::Time& now) {
  CURL* handle = ::curl_easy_init();
  if (handle == nullptr) return nullptr;
  return std::unique_ptr<Transfer>(new Transfer(handle, bulk, now));
}

// What stays the same from one attempt to the next.
Transfer::Transfer(CURL* handle, bool bulk, const Clock::Time& now) : handle_(handle), bulk_(bulk), now_(now) {
  set(handle, CURLOPT_PRIVATE, static_cast<void*>(this));
  set(handle, CURLOPT_ERRORBUFFER, error_text_.data());
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_PATH_AS_IS, 1L);
  // One connection for each transfer is what scales, and 7.88 has defects in HTTP/2 uploads.
  set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // The parsed authorities are shared by connections only where they come from one file.
  set(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  set(handle, CURLOPT_MAXAGE_CONN, kMostIdleSeconds);
  set(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  set(handle, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
  // Without it, letting go of a transfer waits for its name to be resolved.
  set(handle, CURLOPT_QUICK_EXIT, 1L);
  set(handle, CURLOPT_BUFFERSIZE, bulk ? kBulkBuffer : kSmallBuffer);
  if (bulk) set(handle, CURLOPT_UPLOAD_BUFFERSIZE, kBulkUploadBuffer);
  set(handle, CURLOPT_USERAGENT, "scabbard");
  set(handle, CURLOPT_PREREQFUNCTION, &Transfer::on_request);
  set(handle, CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(handle, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(handle, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(handle, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(handle, CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(handle, CURLOPT_READFUNCTION, &Transfer::on_read);
  set(handle, CURLOPT_READDATA, static_cast<void*>(this));
  set(handle, CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
  set(handle, CURLOPT_SEEKDATA, static_cast<void*>(this));
}

Transfer::~Transfer() { ::curl_easy_cleanup(handle_); }

void Transfer::set_up(const ClientSettings& settings, Exchange& exchange, Attempt attempt, bool hedge) {
  exchange_ = &exchange;
  attempt_ = std::move(attempt);
  hedge_ = hedge;
  body_sent_ = 0;
  rests_ = false;
  is_sent_ = false;
  unsent_ = 0;
  answer_.status_ = 0;
  answer_.block_.clear();
  answer_.text_.clear();
  answer_.body_size_ = 0;
  sink_.reset();
  place_ = {};
  refused_.reset();
  has_enough_ = false;
  error_text_[0] = '\0';
  began_ = last_progress_ = now_;
  moved_since_ = 0;

  url_.assign(attempt_.endpoint->origin).append(request_.target);
  set(handle_, CURLOPT_URL, url_.c_str());
  auto connecting = std::min(kMostConnecting, std::chrono::ceil<std::chrono::milliseconds>(settings.attempt_timeout()));
  set(handle_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connecting.count()));
  set(handle_, CURLOPT_PROXY, settings.proxy.c_str());
  // Always: the handle may have been another store's before.
  set(handle_, CURLOPT_CAINFO, settings.ca_file.empty() ? system_authorities() : settings.ca_file.c_str());
  const bool body = has_body(request_);
  if (body) {
    set(handle_, CURLOPT_UPLOAD, 1L);
    set(handle_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size_of_body(request_)));
  } else {
    set(handle_, CURLOPT_HTTPGET, 1L);
    if (request_.method == "HEAD") set(handle_, CURLOPT_NOBODY, 1L);
  }
  const bool is_curls_own = request_.method == "GET" || request_.method == "HEAD" || request_.method == "PUT";
  set(handle_, CURLOPT_CUSTOMREQUEST, is_curls_own ? nullptr : request_.method.c_str());
  set_headers();
}

void Transfer::set_headers() {
  // Not sent: a wait for "100 Continue", and what curl says of the types.
  static constexpr std::array kSuppressed = {"Expect:", "Accept:"};
  lines_.resize(request_.headers.size());
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    lines_[i].assign(request_.headers[i].name).append(": ").append(request_.headers[i].value);
  }
  list_.resize(lines_.size() + kSuppressed.size());
  for (std::size_t i = 0; i < list_.size(); ++i) {
    list_[i].data = i < lines_.size() ? lines_[i].data() : const_cast<char*>(kSuppressed.at(i - lines_.size()));
    list_[i].next = i + 1 < list_.size() ? &list_[i + 1] : nullptr;
  }
  set(handle_, CURLOPT_HTTPHEADER, list_.data());
}

std::uint64_t Transfer::body_given() const { return body_sent_ == size_of_body(request_) ? body_sent_ : 0; }

void Transfer::look_at_socket() {
  curl_socket_t socket = CURL_SOCKET_BAD;
  int unsent = 0;
  ::curl_easy_getinfo(handle_, CURLINFO_ACTIVESOCKET, &socket);
  if (socket == CURL_SOCKET_BAD || ::ioctl(socket, SIOCOUTQ, &unsent) != 0) return;
  note_moved(static_cast<std::size_t>(std::abs(unsent - std::exchange(unsent_, unsent))));
}

void Transfer::note_moved(std::size_t bytes) {
  moved_since_ += bytes;
  // Servers say that they are still at work by a blank now and then, where that is known to take long.
  const bool counts = moved_since_ >= (exchange_->takes_long() ? 1 : kLeastProgress);
  if (!counts) return;
  moved_since_ = 0;
  last_progress_ = now_;
}

void Transfer::hand_over() {
  if (hedge_ && sink_ && !place_.empty()) std::memcpy(place_.data(), scratch_.data(), answer_.body_size_);
}

// Called before each time that the request is sent: libcurl sends it again by itself when a connection that it used
// before turns out to be dead, and cannot know whether the server read it.
int Transfer::on_request(void* self, char* /*remote*/, char* /*local*/, int /*remote_port*/, int /*local_port*/) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.attempt_.may_have_arrived |= std::exchange(transfer.is_sent_, true);
  return CURL_PREREQFUNC_OK;
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  Answer& answer = transfer.answer_;
  std::string_view line(data, size * count);
  transfer.note_moved(line.size());
  if (line.starts_with("HTTP/")) {  // the first line, also after a "100 Continue"
    transfer.last_progress_ = transfer.now_;
    answer.block_.clear();
    long status = 0;
    ::curl_easy_getinfo(transfer.handle_, CURLINFO_RESPONSE_CODE, &status);
    answer.status_ = static_cast<int>(status);
  }
  if (answer.block_.size() + line.size() > kMostHeaders) {
    transfer.refused_ = unexpected(fmt::format("the answer's head is longer than {} bytes", kMostHeaders));
    return 0;
  }
  answer.block_ += line;
  return line.size();
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->take_body(data, size * count);
}

// Fewer bytes taken than given make libcurl break off.
std::size_t Transfer::take_body(const char* data, std::size_t size) {
  note_moved(size);
  if (!sink_) {
    last_progress_ = now_;
    auto place = exchange_->accept(attempt_, answer_);
    if (!place) {
      refused_ = std::move(place).error();
      return 0;
    }
    place_ = place->subspan(std::min(attempt_.received, place->size()));
    sink_ = place_;
    if (hedge_) {
      scratch_.resize(place_.size());
      sink_ = scratch_;
    }
  }
  const bool is_text = place_.empty();
  if (is_text && answer_.status() / 100 != 2 && answer_.body_size_ + size > kMostErrorText) {
    has_enough_ = true;
    return 0;
  }
  if (answer_.body_size_ + size > (is_text ? kMostText : sink_->size())) {
    refused_ =
        unexpected(fmt::format("the answer is longer than the {} bytes expected", is_text ? kMostText : sink_->size()));
    return 0;
  }
  if (is_text) {
    answer_.text_.append(data, size);
  } else {
    std::memcpy(sink_->data() + answer_.body_size_, data, size);
  }
  answer_.body_size_ += size;
  return size;
}

std::size_t Transfer::on_read(char* into, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->give_body(std::as_writable_bytes(std::span(into, size * count)));
}

std::size_t Transfer::give_body(std::span<std::byte> into) {
  into = into.first(std::min<std::uint64_t>(into.size(), size_of_body(request_) - body_sent_));
  if (into.empty()) return 0;
  if (request_.source == nullptr) {
    std::memcpy(into.data(), request_.body.data() + body_sent_, into.size());
    body_sent_ += into.size();
    note_moved(into.size());
    return into.size();
  }
  auto got = request_.source->read(body_sent_, into);
  if (!got) {
    refused_ = std::move(got).error();
    return CURL_READFUNC_ABORT;
  }
  rests_ = *got == 0;
  body_sent_ += *got;
  note_moved(*got);
  return rests_ ? CURL_READFUNC_PAUSE : *got;
}

void Transfer::resume() {
  if (!rests_) return;
  rests_ = false;
  last_progress_ = now_;
  ::curl_easy_pause(handle_, CURLPAUSE_CONT);
}

// libcurl sends a request again by itself when the connection that it reused was dead.
int Transfer::on_seek(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (origin != SEEK_SET || offset < 0 || static_cast<std::uint64_t>(offset) > size_of_body(transfer.request_)) {
    return CURL_SEEKFUNC_FAIL;
  }
  transfer.body_sent_ = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

}  // namespace scabbard::net
